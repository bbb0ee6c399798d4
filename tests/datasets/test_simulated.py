from pathlib import Path

import pytest

from mmbench import Card, DataError, SpecError
from mmbench.registry import load_registry, parse_spec
from mmbench_datasets.mfeat import Mfeat
from mmbench_datasets.simulated import MARK, begin_simulation, card_of_files, describe_mark


@pytest.mark.parametrize(
    "options",
    [
        {"subjects": 0},
        {"subjects": 1, "strength": -1.0},
        {"subjects": 1, "strength": float("nan")},
        {"subjects": 1, "strength": float("inf")},
    ],
)
def test_options_that_make_no_sense(tmp_path: Path, options: dict[str, float]) -> None:
    with pytest.raises(SpecError, match=r"toy\.simulate"):
        begin_simulation(tmp_path, "toy", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_simulation_goes_on_only_with_the_same_options(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    begin_simulation(folder, "toy", subjects=2, strength=1.0)
    begin_simulation(folder, "toy", subjects=2, strength=1.0)
    for name, subjects in (("toy", 3), ("other", 2)):
        with pytest.raises(DataError, match="was simulated with other options"):
            begin_simulation(folder, name, subjects=subjects, strength=1.0)


def test_a_damaged_mark_is_that_of_other_options(tmp_path: Path) -> None:
    (tmp_path / MARK).write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="was simulated with other options"):
        begin_simulation(tmp_path, "toy", subjects=1)


def test_real_files_are_never_mixed_with_simulated_ones(tmp_path: Path) -> None:
    (tmp_path / "recording").write_text("real")
    with pytest.raises(DataError, match="neither empty nor a simulation"):
        begin_simulation(tmp_path, "toy", subjects=1)
    assert describe_mark(tmp_path) == {}


def test_the_card_tells_that_files_are_simulated(tmp_path: Path) -> None:
    card = Card("Toy", "open", "none", "https://example.org", "nobody")
    assert card_of_files(card, tmp_path, Mfeat()) == card
    begin_simulation(tmp_path, "toy", subjects=1)
    assert card_of_files(card, tmp_path, Mfeat()).access == "simulated"
    assert card_of_files(card, tmp_path, Mfeat()).title == "Simulated, in the files of: Toy"
    assert set(describe_mark(tmp_path)) == {MARK}


@pytest.mark.parametrize(
    ("name", "inside"),
    [("mahnob-hci", "Sessions"), ("seed-iv", "eeg_feature_smooth"), ("cremad", "AudioWAV")],
)
def test_the_mark_follows_the_files_wherever_they_are_read(tmp_path: Path, name: str, inside: str) -> None:
    dataset = load_registry().dataset(parse_spec(name))
    home = tmp_path / "parent" / "home"
    dataset.simulate(home, subjects=1)
    assert dataset.card_of(home).access == "simulated"
    assert dataset.card_of(home / inside).access == "simulated"
    if name == "seed-iv":  # found one folder deeper
        assert dataset.card_of(home.parent).access == "simulated"
        assert f"home/{MARK}" in dataset.left_out(home.parent)
    (home / MARK).unlink()
    assert dataset.card_of(home).access != "simulated"


def test_a_simulation_beside_recordings_does_not_mark_them(tmp_path: Path) -> None:
    dataset = load_registry().dataset(parse_spec("mosi"))
    dataset.simulate(tmp_path / "files", subjects=4)
    (tmp_path / "files" / MARK).rename(tmp_path / MARK)
    assert dataset.card_of(tmp_path / "files").access == "simulated"
    (tmp_path / "other").mkdir()
    (tmp_path / MARK).rename(tmp_path / "other" / MARK)
    assert dataset.card_of(tmp_path / "files").access != "simulated"
