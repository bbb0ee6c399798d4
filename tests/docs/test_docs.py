"""The README's Python and commands, the parts of the author's page, and the files that other pages show, executed."""

import pkgutil
import re
import shlex
from pathlib import Path

import pages
import pytest
from pages import Block, find_blocks

import mmbench
from mmbench.conformance import check_plugin
from mmbench.registry import methods
from mmbench.registry.baselines import auto_baselines

GENERATED = ("docs/_build", "docs/reference/generated")


def _blocks(path: Path, language: str) -> list[Block]:
    return [block for block in find_blocks(path.read_text(encoding="utf-8")) if block.language == language]


README_COMMANDS = [
    line for block in _blocks(pages.README, "") for line in block.commands if line.startswith("mmbench ")
]
PARTS = {
    name: block.text
    for name, block in zip(
        ("dataset", "open lengths", "encoder", "encoder of open lengths", "fusion", "metric", "method"),
        _blocks(pages.HERE / "how-to" / "plugin.md", "python"),
        strict=True,
    )
}


@pytest.fixture
def fusion(tmp_path: Path) -> Path:
    path = tmp_path / "mean_fusion.py"
    path.write_text(PARTS["fusion"])
    return path


@pytest.mark.parametrize("part", [name for name in PARTS if name != "method"])
def test_each_component_of_the_author_page_is_a_plugin_by_itself(part: str, tmp_path: Path) -> None:
    path = tmp_path / "part.py"
    path.write_text(PARTS[part])
    outcomes = [check.run() for check in check_plugin(str(path))]
    assert len(outcomes) >= 3
    assert [outcome for outcome in outcomes if not outcome.ok] == []


def test_fusion_of_the_author_page_learns(fusion: Path, tmp_path: Path) -> None:
    result = mmbench.run(
        "mean", "mfeat", against=["prior"], plugins=(str(fusion),), out=tmp_path, folds=2, training={"epochs": 3}
    )
    mean, prior = (method.scores["accuracy"].mean for method in result.methods)
    assert mean > 0.8 > prior


def test_author_page_names_every_hook_and_every_member_of_the_contract() -> None:
    from mmbench import Dataset, Encoder, Fusion, Method, Metric
    from mmbench.contract import hookspecs

    text = (pages.HERE / "how-to" / "plugin.md").read_text(encoding="utf-8")
    hooks = [name for name in vars(hookspecs) if name.startswith("register_")]
    members = [
        name
        for contract in (Dataset, Encoder, Fusion, Method, Metric)
        for name in {**vars(contract), **contract.__annotations__}
        if not name.startswith("_")
    ]
    assert [name for name in {*hooks, *members} if name not in text] == []


def test_python_of_the_readme_prints_every_method(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (block,) = _blocks(pages.README, "python")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(methods, "auto_baselines", auto_baselines)
    exec(compile(block.text.replace('epochs": 5', 'epochs": 1'), "README.md", "exec"), {})
    table = capsys.readouterr().out.partition("bal. accuracy")[2].partition("\n\n")[0]
    rows = [line.split()[0] for line in table.splitlines()[1:] if not line.startswith(" ")]
    assert rows == ["concat", "late", "only[modality=mor]", "only[modality=zer]", "prior"]


def test_preset_of_the_pages_sets_the_run(tmp_path: Path) -> None:
    (block,) = _blocks(pages.HERE / "how-to" / "preset.md", "toml")
    path = tmp_path / "theirs.toml"
    path.write_text(block.text)
    comparison = mmbench.run("concat", "mfeat", preset=str(path), out=tmp_path, training={"epochs": 1})
    assert comparison.run["preset"]["fusion"] == {"dim": 64}
    assert {name: encoder["params"]["dim"] for name, encoder in comparison.run["encoders"].items()} == {
        "mor": 32,
        "zer": 32,
    }


def test_claim_cards_of_the_pages_are_valid(tmp_path: Path) -> None:
    from mmbench import builtin
    from mmbench.registry.plugins import load_registry
    from mmbench.workflows.claims.cards import load_card
    from mmbench.workflows.claims.rows import ClaimSpec, make_row_run

    block, of_split = _blocks(pages.HERE / "how-to" / "claim.md", "toml")
    path = tmp_path / "deap.toml"
    path.write_text(block.text)
    card = load_card(path)
    for on in (None, "deap-sim"):
        (row,) = card.rows
        question = make_row_run(load_registry(), card, row, ClaimSpec("milmer", on=on))
        assert question.spec.dataset == f"{on or 'deap'}[scramble=true]"
    path.write_text(of_split.text)
    shown, built_in = (
        load_card(path).split,
        load_card(Path(builtin.__file__).with_name("claims") / "cremad-ogm.toml").split,
    )
    assert shown is not None
    assert built_in is not None
    assert (shown.from_name, shown.groups, shown.sizes, shown.shared) == (
        built_in.from_name,
        built_in.groups,
        built_in.sizes,
        built_in.shared,
    )


def test_every_command_of_the_readme_parses() -> None:
    from typer.main import get_command

    from mmbench.cli.app import app

    command = get_command(app)
    assert len(README_COMMANDS) >= 7
    for line in README_COMMANDS:
        name, *arguments = shlex.split(line)[1:]
        sub = command.commands[name]  # type: ignore[attr-defined]
        if name in ("data", "cache", "new", "leaderboard"):
            sub, arguments = sub.commands[arguments[0]], arguments[1:]
        sub.make_context(name, arguments)


def test_every_path_and_module_that_pages_name_exists() -> None:
    root = pages.README.parent
    for page in [*pages.find_pages(), root / "CONTRIBUTING.md"]:
        text = page.read_text(encoding="utf-8")
        paths = re.findall(r"\b((?:mmbench|tests|docs|datasets|plugins|benchmarks|leaderboards)/[\w./-]*[\w/])", text)
        missing = {path for path in paths if not (root / path).exists() and not path.startswith(GENERATED)}
        assert missing == set(), page
        for module in re.findall(r"\bmmbench(?:\.[a-z_]+)+", text):
            assert pkgutil.resolve_name(module), page
