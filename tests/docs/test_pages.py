"""Every block of every page is executed and prints what the page shows; blocks that cannot run in CI parse."""

import shlex
from importlib.util import find_spec
from pathlib import Path

import pages
import pytest
from pages import Block, find_blocks, find_pages, find_steps, is_compared, rewrite, run_page, same_output

from mmbench.registry import methods
from mmbench.registry.baselines import auto_baselines
from mmbench.registry.settings import RunSettings

SITE = [page for page in find_pages() if page != pages.README]
TEXTS = {str(page.relative_to(pages.HERE)): page.read_text(encoding="utf-8") for page in SITE}
# Raise this only for what CI cannot run: a GPU, a cluster, recordings under an agreement, hours of training.
N_UNRUN = 36
PACKAGES = {"how-to/moabb.md": "moabb"}  # extras that a page needs
RUN = [name for name, text in TEXTS.items() if find_steps(text)]


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(autouse=True)
def _default_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages show outputs with the default seeds; other tests train with one seed."""
    monkeypatch.setattr(RunSettings.__dataclass_fields__["seeds"], "default", RunSettings().seeds)


@pytest.fixture(autouse=True)
def _default_baselines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages show comparisons with the default baselines; other tests run a method alone."""
    monkeypatch.setattr(methods, "auto_baselines", auto_baselines)


@pytest.mark.parametrize("name", RUN)
def test_outputs_of_pages_are_current(
    name: str, tmp_path: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name in PACKAGES and find_spec(PACKAGES[name]) is None:
        pytest.skip(f"{PACKAGES[name]} is not installed")
    monkeypatch.setenv("MMBENCH_CACHE", str(shared_cache))
    for step in run_page(TEXTS[name], tmp_path / "page"):
        if is_compared(step):
            assert step.shown is not None
            assert same_output(step.shown.text, step.printed), f"python docs/pages.py {name}\n{step.printed}"


def _blocks(language: str) -> list[tuple[str, Block]]:
    return [(name, block) for name, text in TEXTS.items() for block in find_blocks(text) if block.language == language]


def test_blocks_that_are_not_run_say_why_and_are_few() -> None:
    blocks = [(name, block) for name, text in TEXTS.items() for block in find_blocks(text)]
    unrun = [(name, block.marks["not run"]) for name, block in blocks if "not run" in block.marks]
    assert all(len(reason) > 15 for _, reason in unrun)
    assert len(unrun) == N_UNRUN, sorted(unrun)
    assert len([block for _, block in blocks if block.language in ("sh", "python")]) > 2 * N_UNRUN


def test_every_output_follows_its_command() -> None:
    for name, text in TEXTS.items():
        shown = [step.shown for step in find_steps(text) if step.shown]
        alone = [block for block in find_blocks(text) if block.language == "text" and block not in shown]
        assert [block.text for block in alone if not {"not run", "file"} & block.marks.keys()] == [], name


def test_python_that_is_not_run_is_python() -> None:
    for _, block in _blocks("python"):
        compile(block.text, "page", "exec")


def test_every_block_has_a_language() -> None:
    assert [(name, block.text) for name, block in _blocks("")] == []


def test_commands_of_every_block_parse() -> None:
    from typer.main import get_command

    from mmbench.cli.app import app

    lines = [line for _, block in _blocks("sh") for line in block.commands if line.startswith("mmbench ")]
    assert len(lines) > 40
    for line in lines:
        command, words = get_command(app), shlex.split(line)[1:]
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        command.make_context("mmbench", words)


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a 0.912 [.90, .93] 12.3s", "a  0.914 [.90, .92]  1m2s", True),
        ("a 0.912", "a 0.950", False),
        ("a 3 folds", "a 4 folds", False),
        ("a\n...\nz 2.0 ms\n", "a\nb\nc\nz 31 ms\n", True),
        ("a\n...\n", "a\nb\n", True),
        ("a\n...\nz\n", "a\nb\n", False),
        ("a\n", "a\nb\n", False),
        ("", "a\n", False),
        ("comparison-0a1b.json", "comparison-99.json", True),
    ],
)
def test_outputs_are_compared_but_for_times_and_rounding(shown: str, printed: str, same: bool) -> None:
    assert same_output(shown, printed) is same


def test_blocks_are_added_to_one_file(tmp_path: Path) -> None:
    page = "% file: a.txt\n```text\none\n```\nand\n\n% add to: a.txt\n```text\ntwo\n```\n"
    run_page(page, tmp_path / "page")
    assert (tmp_path / "page" / "a.txt").read_text() == "one\ntwo\n"


def test_outputs_are_cut_where_their_page_says() -> None:
    page = "```python\n...\n```\n\n% until: notes\n```text\nold\n...\n```\n"
    (step,) = find_steps(page)
    step.printed = "a table  \n\nnotes on it\nmore\n"
    assert "```text\na table\n...\n```\n" in rewrite(page, [step])
    assert same_output("a table\n...\n", step.printed)


def test_a_page_whose_command_fails_fails(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="ended with 2"):
        run_page("```sh\nmmbench run nothing mfeat\n```\n", tmp_path / "page")
    with pytest.raises(AssertionError, match="does not know"):
        run_page("```sh\nrm -r everything\n```\n", tmp_path / "other")


def test_a_page_says_with_which_code_a_command_ends(tmp_path: Path) -> None:
    page = "% file: a.csv\n```text\nid,part\na,train\na,test\n```\n\n{}```sh\nmmbench audit --split a.csv\n```\n"
    (step,) = (step for step in run_page(page.format("% exit code: 1\n"), tmp_path / "told") if step.printed)
    assert "LEAK" in step.printed
    with pytest.raises(AssertionError, match="ended with 1"):
        run_page(page.format(""), tmp_path / "untold")
