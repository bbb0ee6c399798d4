"""DEAP's files are found however they were unpacked, and what cannot be used is said."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from mmbench.cli import main
from mmbench.data import take_inventory
from mmbench_datasets.deap import Deap
from mmbench_datasets.deap.files import find_files

SIGNALS, VIDEOS, TABLE = "data_preprocessed_python", "face_video/s01", "metadata_csv/participant_ratings.csv"


def lay(simulated: Path, root: Path, signals: str = SIGNALS, videos: str = VIDEOS, table: str = TABLE) -> Path:
    """Links to the simulated files in other folders; ``videos`` may hold a pattern of names, ``{}`` for the trial."""
    targets = {root / signals / "s01.dat": simulated / SIGNALS / "s01.dat", root / table: simulated / TABLE}
    for path in (simulated / VIDEOS).iterdir():
        name = videos.format(path.stem[-2:]) if "{" in videos else f"{videos}/{path.name}"
        targets[root / name] = path
    for link, target in targets.items():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)
    return root


def used(root: Path) -> list[Path]:
    return [path.resolve() for path in Deap().sources(root, "s01")]


@pytest.mark.parametrize(
    "places",
    [
        {},
        {"signals": f"{SIGNALS}/{SIGNALS}"},
        {"signals": "."},
        {"signals": ".", "table": "participant_ratings.csv"},
        {"table": "metadata/participant_ratings.csv"},
        {"table": "Metadata_CSV/Participant_Ratings.CSV"},
        {"videos": "face_video"},
        {"videos": "face_video/face_video/s01"},
        {"videos": "Face_Video/S01/S01_Trial{}.AVI"},
        {"videos": "s01_trial{}.avi", "signals": "."},
        {"signals": f"DEAP/{SIGNALS}", "videos": f"DEAP/{VIDEOS}", "table": f"DEAP/{TABLE}"},
        {"signals": f"data/DEAP/{SIGNALS}", "videos": f"data/DEAP/{VIDEOS}", "table": f"data/DEAP/{TABLE}"},
        {"signals": f"a/{SIGNALS}/{SIGNALS}", "videos": "b/face_video/face_video/s01", "table": f"c/{TABLE}"},
    ],
    ids=str,
)
def test_every_layout_gives_the_same_files(simulated: Path, tmp_path: Path, places: dict[str, str]) -> None:
    root = lay(simulated, tmp_path / "deap", **places)
    assert Deap().check(root) == []
    assert Deap().units(root) == ["s01"]
    assert used(root) == used(simulated)
    assert Deap().counts(root) == {"people": 1, "trials": 40, "face videos": 40, "windows": 800}


@pytest.mark.parametrize("folder", [SIGNALS, "face_video", f"{SIGNALS}/{SIGNALS}"])
def test_one_of_its_own_folders_may_be_given(simulated: Path, tmp_path: Path, folder: str) -> None:
    root = lay(simulated, tmp_path / "deap", signals=f"{SIGNALS}/{SIGNALS}")
    assert used(root / folder) == used(simulated)


def test_of_two_equal_copies_the_one_in_deaps_folder_is_read_and_the_other_is_said(
    simulated: Path, tmp_path: Path
) -> None:
    root = lay(simulated, tmp_path / "deap")
    (root / "cropped").mkdir()
    shutil.copy(simulated / VIDEOS / "s01_trial01.avi", root / "cropped" / "s01_trial01.avi")
    (root / "s01.dat").symlink_to(simulated / SIGNALS / "s01.dat")
    assert Deap().check(root) == []
    assert used(root) == used(simulated)
    assert Deap().left_out(root) == {
        "s01.dat": f"has the same bytes as {SIGNALS}/s01.dat, which is read",
        "cropped/s01_trial01.avi": f"has the same bytes as {VIDEOS}/s01_trial01.avi, which is read",
    }


def test_numbers_of_one_digit_are_the_same_people(simulated: Path, tmp_path: Path) -> None:
    root = lay(simulated, tmp_path / "deap")
    (root / SIGNALS / "s01.dat").rename(root / SIGNALS / "S1.dat")
    assert list(find_files(root).signals["preprocessed"]) == ["s01"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "is empty"),
        (("s01/a.avi", "s01/b.avi", "s01/c.avi"), "holds no video named as DEAP's, but a.avi, b.avi and 1 more"),
        (("s02/s02_trial01.avi",), "has videos of s02 alone, of whom there are no signals"),
    ],
)
def test_a_folder_of_videos_that_matches_nobody_is_a_problem(
    simulated: Path, tmp_path: Path, names: tuple[str, ...], message: str
) -> None:
    root = lay(simulated, tmp_path / "deap")
    shutil.rmtree(root / "face_video")
    (root / "face_video").mkdir()
    for name in names:
        (root / "face_video" / name).parent.mkdir(exist_ok=True)
        shutil.copy(simulated / VIDEOS / "s01_trial01.avi", root / "face_video" / name)
    (problem,) = Deap().check(root)
    assert problem.path == str(root / "face_video")
    assert problem.message.startswith(message)
    assert "sNN_trialTT.avi" in (problem.remedy or "")
    assert Deap(video=False).check(root) == []


@pytest.mark.parametrize("as_json", [False, True])
def test_check_counts_people_trials_videos_and_windows(
    simulated: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    options = ["--json"] if as_json else []
    command = ["mmbench", "data", "check", "deap[windows=3]", "--data", str(simulated), *options]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    output = capsys.readouterr().out
    if as_json:
        assert json.loads(output)["counts"] == {"people": 1, "trials": 40, "face videos": 40, "windows": 120}
    else:
        assert "found: 1 person, 40 trials, 40 face videos, 120 windows" in output


def test_a_folder_that_may_not_be_read_is_a_problem(
    simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a person whose videos cannot be listed, no face would be found. Permissions do not stop the administrator."""
    root = lay(simulated, tmp_path / "deap")
    real = os.scandir

    def scandir(folder: str | Path) -> Any:
        if Path(folder).name == "s01":
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    problems = {problem.path: problem for problem in Deap().check(root)}
    assert problems[str(root / VIDEOS)].message == "cannot be read (Permission denied)"
    assert problems[str(root / VIDEOS)].remedy == "change its permissions"


def test_a_person_without_signals_and_numbers_beyond_deaps_people_are_said(simulated: Path, tmp_path: Path) -> None:
    root = lay(simulated, tmp_path / "deap")
    (root / SIGNALS / "s33.dat").symlink_to(simulated / SIGNALS / "s01.dat")
    other = root / "face_video" / "s02"
    other.mkdir()
    for trial in ("01", "02"):
        shutil.copy(simulated / VIDEOS / "s01_trial01.avi", other / f"s02_trial{trial}.avi")
    assert Deap().units(root) == ["s01"], "DEAP has 32 people"
    assert Deap().left_out(root) == {"s02": "2 face videos, but no signals"}
    assert f"{SIGNALS}/s33.dat" in take_inventory(Deap(), root).unread
