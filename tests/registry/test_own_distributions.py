"""Where distributions of the repository are missing, the errors about names and the lists say so."""

import json
from importlib.metadata import PackageNotFoundError

import pytest

from mmbench import SpecError
from mmbench.registry import own_distributions
from mmbench.registry.own_distributions import describe_missing_distributions
from mmbench.registry.plugins import load_registry

MISSING = ["mmbench-datasets", "mmbench-milmer", "mmbench-neuro"]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    def distribution(name: str) -> None:
        if name in getattr(request, "param", MISSING):
            raise PackageNotFoundError(name)

    monkeypatch.setattr(own_distributions, "distribution", distribution)


def test_nothing_is_said_where_all_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_distributions, "distribution", lambda name: None)
    assert describe_missing_distributions() == ""


@pytest.mark.parametrize(
    ("alone", "says"),
    [
        (["mmbench-milmer"], "mmbench-milmer is not installed: "),
        (["mmbench-milmer", "mmbench-neuro"], "mmbench-milmer and mmbench-neuro are not installed: "),
        (MISSING, "mmbench-datasets, mmbench-milmer and mmbench-neuro are not installed: "),
    ],
    indirect=["alone"],
)
def test_missing_distributions_are_named_with_the_command(alone: None, says: str) -> None:
    text = describe_missing_distributions()
    assert text.startswith(says)
    assert 'pip install "mmbench[all]"' in text
    assert "pip install ./datasets ./plugins/*" in text


@pytest.mark.parametrize(
    ("kind", "name", "own"), [("datasets", "zzz", True), ("methods", "zzz", False), ("encoders", "zzz", False)]
)
def test_unknown_names_say_what_is_missing(alone: None, kind: str, name: str, own: bool) -> None:
    with pytest.raises(SpecError) as caught:
        load_registry(()).find(kind, name)
    assert "are not installed: pip install" in caught.value.remedy
    assert ("the path of a folder or a table of your own needs none of them" in caught.value.remedy) is own
    assert "; choose from " in caught.value.remedy


def test_misspelt_names_are_answered_with_the_right_one_alone(alone: None) -> None:
    with pytest.raises(SpecError, match=r"no method 'conct' — did you mean 'concat'\?$"):
        load_registry(()).find("methods", "conct")


@pytest.mark.parametrize("line", [["list"], ["data", "list"]])
def test_lists_say_what_is_missing(alone: None, line: list[str]) -> None:
    from typer.testing import CliRunner

    from mmbench.cli.app import app

    listed = CliRunner().invoke(app, line)
    assert listed.stderr.startswith("mmbench-datasets, mmbench-milmer and mmbench-neuro are not installed: ")
    as_json = CliRunner().invoke(app, [*line, "--json"])
    assert json.loads(as_json.stdout)
    assert as_json.stderr == ""
