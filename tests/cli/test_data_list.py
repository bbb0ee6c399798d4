"""The list of datasets: a table of all, chosen by what they offer, and cards of those that are named."""

import json
import re
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from mmbench.cli.app import app
from mmbench.errors import SpecError
from mmbench.registry import load_registry


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


def test_a_card_has_what_a_paper_needs_of_a_dataset() -> None:
    card = listed("eegmat")
    assert "timeseries (19, 625)" in card
    assert "state: class (2): rest, arithmetic" in card
    assert "groups            subject, recording" in card
    assert "default protocol  subject" in card
    assert "parameters        window=5.0, stride=none" in card
    assert "citation          Zyma et al." in card
    assert "files             mmbench data get eegmat" in card
    assert "folder            --data DIR, or $MMBENCH_DATA/eegmat" in card
    assert "mfeat" not in card
    official = listed("cremad")
    assert "official split    Peng et al. 2022" in official
    assert "simulated         cremad-sim" in official
    assert "options subjects=8,\n                    seed=0, strength=1.0, sentences=4" in official
    assert "--data DIR" not in listed("mfeat")
    assert "data simulate" not in listed("mfeat")


def test_cards_are_80_columns_wide_and_their_addresses_are_whole() -> None:
    lines = [line for name in sorted(names()) for line in listed(name).splitlines()]
    assert [line for line in lines if len(line) > 80] == []
    addresses = [line for line in lines if "https://" in line]
    assert [line for line in addresses if not re.fullmatch(r"(source)? +https://[^ ,]+", line)] == []


def test_a_longer_address_is_not_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, url = load_registry().datasets["mfeat"].component, f"https://example.org/{'a' * 80}"
    monkeypatch.setattr(dataset, "card", replace(dataset.card, url=url, request=f"see {url}, then go on"))
    assert f" {url}\n" in listed("mfeat")
    assert f"see\n{'':18}{url}\n{'':18}then go on\n" in listed("mfeat")


def test_a_card_is_that_of_the_parameters() -> None:
    assert "faulty=keep" in listed("cremad[faulty=keep]")
    assert "eeg: timeseries (19, 1250)" in listed("eegmat[window=10]")
    (card,) = json.loads(listed("eegmat[window=10]", "--json"))
    assert (card["name"], card["parameters"]["window"], card["protocol"]) == ("eegmat", 10.0, "subject")


def test_what_only_the_files_say_is_called_so() -> None:
    card = listed("folder")
    for heading in ("modalities", "tasks", "groups", "default protocol"):
        assert f"{heading:18}of the files" in card
