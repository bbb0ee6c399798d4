"""The README's example plugin and its Python are run as they stand, as is the claim card of the pages."""

import re
from pathlib import Path

import pytest

import mmbench
from mmbench.conformance import check_plugin

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
TOY = str(Path(__file__).parents[1] / "plugins" / "toy_plugin.py")
CLAIMS = (Path(__file__).parents[2] / "docs" / "how-to" / "claim.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README + CLAIMS, flags=re.DOTALL | re.MULTILINE)
PYTHON = [text for language, text in BLOCKS if language == "python"]
COMMANDS = [
    line.split("  #")[0]
    for language, text in BLOCKS
    for line in text.replace("\\\n", " ").splitlines()
    if not language and line.startswith("mmbench ")
]


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    path = tmp_path / "mean_fusion.py"
    path.write_text(PYTHON[0])
    return path


def test_example_plugin_passes_conformance(plugin: Path) -> None:
    outcomes = [check.run() for check in check_plugin(str(plugin))]
    assert len(outcomes) > 5
    assert [outcome for outcome in outcomes if not outcome.ok or outcome.skipped] == []


def test_example_plugin_runs_and_learns(plugin: Path, tmp_path: Path) -> None:
    result = mmbench.run(
        "mean", "mfeat", against=["prior"], plugins=(str(plugin),), out=tmp_path, folds=2, training={"epochs": 3}
    )
    mean, prior = (method.scores["accuracy"].mean for method in result.methods)
    assert mean > 0.8 > prior


def test_python_example_prints_every_method(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(PYTHON[1].replace('epochs": 5', 'epochs": 1'), "README.md", "exec"), {})
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["concat", "late", "prior"]


def test_the_preset_of_the_readme_is_one(tmp_path: Path) -> None:
    path = tmp_path / "theirs.toml"
    (text,) = (text for language, text in BLOCKS if language == "toml" and "[run]" in text)
    path.write_text(text)
    comparison = mmbench.run(
        "concat", "toy", preset=str(path), plugins=(TOY,), data=_people(tmp_path), out=tmp_path, training={"epochs": 1}
    )
    assert comparison.run["protocol"] == "loso"
    assert comparison.run["preset"]["fusion"] == {"dim": 64}
    assert comparison.run["encoders"]["signal"]["params"]["dim"] == 32


def test_the_claim_card_of_the_pages_is_one(tmp_path: Path) -> None:
    from mmbench.registry.plugins import load_registry
    from mmbench.workflows.claims.cards import load_card
    from mmbench.workflows.claims.rows import ClaimSpec, make_row_run

    path = tmp_path / "deap.toml"
    (text,) = (text for _, text in BLOCKS if text.startswith("title = "))
    path.write_text(text)
    card = load_card(path)
    for on in (None, "deap-sim"):
        (row,) = card.rows
        question = make_row_run(load_registry(), card, row, ClaimSpec("milmer", on=on))
        assert question.spec.dataset == f"{on or 'deap'}[scramble=true]"


def _people(folder: Path) -> Path:
    from mmbench.registry.plugins import load_registry

    load_registry((TOY,)).find("datasets", "toy").component().simulate(folder / "people", subjects=3)
    return folder / "people"


def test_every_command_parses() -> None:
    import shlex

    from typer.main import get_command

    from mmbench.cli.app import app

    command = get_command(app)
    assert len(COMMANDS) >= 7
    for line in COMMANDS:
        name, *arguments = shlex.split(line)[1:]
        sub = command.commands[name]  # type: ignore[attr-defined]
        if name in ("data", "cache", "new"):
            sub, arguments = sub.commands[arguments[0]], arguments[1:]
        sub.make_context(name, arguments)
