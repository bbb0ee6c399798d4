"""The list of datasets: a table of all, chosen by what they offer, and cards of those that are named."""

import json

import pytest
from typer.testing import CliRunner

from mmbench.cli.app import app
from mmbench.errors import SpecError


def listed(*options: str) -> str:
    done = CliRunner().invoke(app, ["data", "list", *options])
    assert done.exit_code == 0, done.exception
    return done.stdout


def names(*options: str) -> set[str]:
    return {card["name"] for card in json.loads(listed(*options, "--json"))}


def test_the_table_has_a_row_for_each_dataset_that_is_not_simulated() -> None:
    shown = listed()
    assert {line.split()[0] for line in shown.splitlines() if line and not line.startswith(" ")} >= {
        "deap",
        "eegmat",
        "mfeat",
    }
    assert "deap-sim" not in shown
    n = sum(name.endswith("-sim") for name in names())
    assert f"{n} simulated: mmbench data list --access simulated" in shown


def test_no_row_is_long() -> None:
    lines = listed().splitlines()
    assert max(map(len, lines)) <= 80
    assert "(6)" in listed("--kind", "vector")  # views of mfeat, of which the table names three


@pytest.mark.parametrize(
    ("options", "member", "other"),
    [
        (["--access", "simulated"], "deap-sim", "deap"),
        (["--access", "bundled"], "mfeat", "eegmat"),
        (["--modality", "ecg"], "eegmat", "mfeat"),
        (["--kind", "audio"], "fsdd", "deap"),
        (["--kind", "video", "--access", "open"], "cremad", "eav"),
        (["--task", "state"], "eegmat", "deap"),
        (["--task", "labels"], "icons", "mfeat"),
        (["--task", "values"], "stress-predict", "mfeat"),
    ],
    ids=" ".join,
)
def test_properties_choose_datasets(options: list[str], member: str, other: str) -> None:
    found = names(*options)
    assert member in found
    assert other not in found


def test_all_properties_must_hold() -> None:
    assert listed("--kind", "text", "--modality", "eeg").startswith("no dataset has all of this")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--kind", "txt"], "--kind: no dataset has 'txt' — did you mean 'text'?"),
        (["--access", "closed"], "--access: no dataset has 'closed'"),
        (["eegmt"], "no dataset 'eegmt' — did you mean 'eegmat'?"),
    ],
    ids=str,
)
def test_what_no_dataset_has_is_an_error(options: list[str], line: str) -> None:
    done = CliRunner().invoke(app, ["data", "list", *options])
    assert isinstance(done.exception, SpecError)
    assert line in done.exception.line


def test_a_named_dataset_is_shown_with_its_shapes_and_source() -> None:
    card = listed("eegmat")
    assert "timeseries (19, 625)" in card
    assert "physionet.org" in card
    assert "mfeat" not in card
