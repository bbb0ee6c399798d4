"""A check of DEAP reports what a run would refuse, with the same reason, and counts what a run would read."""

import csv
import json
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mmbench import DataError, Problem
from mmbench.cli import main
from mmbench.data import check_dataset_files
from mmbench_datasets.deap import Deap
from mmbench_datasets.deap.recordings import load_recording

SIGNALS, TABLE = "data_preprocessed_python/s01.dat", "metadata_csv/participant_ratings.csv"
FILM = "face_video/s01/s01_trial07.avi"
SMALL = {"windows": 2, "frames": 2, "face_size": 24}


def refusals(root: Path, **options: object) -> list[str]:
    """What a run says about the folder."""
    try:
        return [each.message for each in Deap(**SMALL, **options).read(root, "s01") if isinstance(each, DataError)]
    except DataError as error:
        return [error.message]


def problem_of(root: Path, **options: object) -> Problem:
    """The only problem, whose reason a run gives too."""
    (problem,) = Deap(**SMALL, **options).check(root)
    said = refusals(root, **options)
    assert said
    assert all(message in problem.message for message in said)
    return problem


def damaged(copy: Callable[..., Path], simulated: Path, name: str, content: bytes) -> Path:
    root = copy(name)
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(content)
    return root


def table_with(simulated: Path, change: Callable[[list[list[str]]], object]) -> bytes:
    with (simulated / TABLE).open(newline="") as file:
        rows = list(csv.reader(file))
    change(rows)
    return "\n".join(",".join(row) for row in rows).encode()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"data": np.zeros((40, 40, 100)), "labels": np.ones((40, 4))}, "'data' is float64 (40, 40, 100), not numbers"),
        (
            {"data": np.zeros((39, 40, 8064), np.float32), "labels": np.ones((39, 4))},
            "'data' is float32 (39, 40, 8064)",
        ),
        ({"data": np.zeros((40, 40, 8064), np.float32)}, "has no array 'labels'"),
        ({"data": np.zeros((40, 40, 8064), np.float32), "labels": np.ones((40, 3))}, "'labels' is float64 (40, 3)"),
    ],
)
def test_signals_of_another_shape_are_a_problem(
    copy: Callable[..., Path], simulated: Path, arrays: dict[str, object], message: str
) -> None:
    root = damaged(copy, simulated, SIGNALS, pickle.dumps(arrays, 2))
    problem = problem_of(root)
    assert problem.path == str(root / SIGNALS)
    assert problem.message.startswith(message)
    assert Deap(**SMALL).counts(root) == {"people": 0, "trials": 0, "face videos": 0, "windows": 0}


def test_trials_with_invalid_values_are_problems_of_single_samples_and_not_counted(
    copy: Callable[..., Path], simulated: Path
) -> None:
    recording = load_recording(simulated / SIGNALS)
    data, labels = np.array(recording.data), np.array(recording.labels)
    data[6, 3, 100], labels[11, 1] = np.nan, 9.5
    root = damaged(copy, simulated, SIGNALS, pickle.dumps({"data": data, "labels": labels}, 2))
    problems = Deap(**SMALL).check(root)
    assert [each.message for each in problems] == [
        "trial 7: has NaN or infinite values",
        "trial 12: arousal is 9.5, outside 1-9",
    ]
    assert {each.concerns for each in problems} == {"sample"}
    check_dataset_files(Deap(**SMALL), root, bad="drop")
    assert Deap(**SMALL).counts(root) == {"people": 1, "trials": 38, "face videos": 38, "windows": 76}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.pop(3), "has no ratings"),
        (lambda rows: rows.append(rows[-1]), "repeats a trial"),
        (lambda rows: rows[5].__setitem__(4, "11"), "a rating outside 1-9"),
        (lambda rows: rows[5].__setitem__(4, "good"), "not a row of ratings"),
        (lambda rows: rows[0].__setitem__(4, "Mood"), "has no column Valence"),
        (lambda rows: [row.__setitem__(4, "1.5") for row in rows[1:]], "differ from the labels"),
    ],
)
def test_a_table_of_ratings_that_a_run_refuses_is_a_problem(
    copy: Callable[..., Path], simulated: Path, change: Callable[[list[list[str]]], object], message: str
) -> None:
    root = damaged(copy, simulated, TABLE, table_with(simulated, change))
    assert message in problem_of(root).message
    assert Deap(video=False).check(root) == [], "without videos, the table is not read"


def test_two_tables_that_differ_are_one_problem_however_many_people_there_are(
    copy: Callable[..., Path], simulated: Path
) -> None:
    root = copy()
    (root / "data_preprocessed_python" / "s02.dat").symlink_to(simulated / SIGNALS)
    (root / "old").mkdir()
    (root / "old" / "participant_ratings.csv").write_bytes((simulated / TABLE).read_bytes() + b"\n\n")
    problem = problem_of(root)
    assert problem.path == str(root / TABLE)
    assert problem.message == f"differs from its copy {root / 'old' / 'participant_ratings.csv'}"


@pytest.mark.parametrize("name", [SIGNALS, FILM])
def test_two_copies_that_differ_are_refused_also_where_samples_may_be_dropped(
    copy: Callable[..., Path], simulated: Path, name: str
) -> None:
    root = copy()
    (root / "other").mkdir()
    other = root / "other" / Path(name).name
    other.write_bytes((simulated / name).read_bytes()[:-1] + b"?")
    problem = problem_of(root)
    assert problem.path == str(root / name)
    assert problem.message == f"differs from its copy {other}"
    assert problem.remedy == f"move the one that is not from DEAP out of {root}"
    assert Deap().left_out(root) == {f"other/{other.name}": f"differs from {name}"}
    other.unlink()
    shutil.copy(simulated / name, other)
    assert Deap(**SMALL).check(root) == []


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"no video at all" * 100])
def test_a_file_that_is_no_video_is_a_problem(copy: Callable[..., Path], simulated: Path, content: bytes) -> None:
    root = damaged(copy, simulated, FILM, content)
    problem = problem_of(root)
    assert (problem.path, problem.concerns) == (str(root / FILM), "sample")
    assert Deap(**SMALL).counts(root)["trials"] == 39


def test_a_video_of_a_trial_that_does_not_exist_is_a_problem_of_this_video(
    copy: Callable[..., Path], simulated: Path
) -> None:
    root = copy()
    extra = root / "face_video/s01/s01_trial41.avi"
    extra.symlink_to(simulated / FILM)
    problem = problem_of(root)
    assert (problem.path, problem.message, problem.remedy) == (
        str(extra),
        "no rating has Trial 41",
        "remove this video",
    )


def test_missing_videos_are_named_with_the_number_of_trials_without_a_face(
    copy: Callable[..., Path], simulated: Path
) -> None:
    root = copy(FILM, *(f"face_video/s01/s01_trial{trial}.avi" for trial in (38, 39, 40)))
    assert Deap(**SMALL).check(root) == []
    (line,) = Deap(**SMALL).assumptions(root)
    assert line == (
        "no face video: presentations 7, 38-40 of s01: 4 of 40 trials have no face (DEAP has 4 of these videos)"
    )
    assert Deap(**SMALL).counts(root) == {"people": 1, "trials": 40, "face videos": 36, "windows": 80}
    assert Deap(**SMALL, video=False).assumptions(root) == []
    assert Deap(**SMALL).assumptions(simulated) == []


def test_people_without_any_video_are_named_beside_those_who_have_some(
    copy: Callable[..., Path], simulated: Path
) -> None:
    root = copy(FILM)
    for unit in ("s02", "s03", "s23"):
        (root / "data_preprocessed_python" / f"{unit}.dat").symlink_to(simulated / SIGNALS)
    (line,) = Deap(**SMALL).assumptions(root)
    assert line == (
        "no face video: presentation 7 of s01; all presentations of s02-s03, s23: 121 of 160 trials have no face "
        "(DEAP has 80 of these videos)"
    )


def test_videos_that_deap_does_not_have_either_are_said_to_be_so(copy: Callable[..., Path], simulated: Path) -> None:
    root = copy()
    (root / "data_preprocessed_python" / "s23.dat").symlink_to(simulated / SIGNALS)
    (line,) = Deap(**SMALL).assumptions(root)
    assert line.endswith("all presentations of s23: 40 of 80 trials have no face (DEAP has no video of these either)")


def test_where_windows_without_a_face_are_dropped_trials_without_a_video_are_left_out(
    copy: Callable[..., Path], simulated: Path
) -> None:
    root = copy(FILM)
    dataset = Deap(**SMALL, faces="drop")
    assert dataset.assumptions(root) == []
    assert dataset.left_out(root) == {"presentation 7 of s01": "no face video, and faces=drop"}
    assert dataset.counts(root) == {"people": 1, "trials": 39, "face videos": 39, "windows at most": 78}


def test_a_folder_that_is_linked_into_itself_is_listed_once(copy: Callable[..., Path], simulated: Path) -> None:
    root = copy()
    (root / "again").symlink_to(root)
    (root / "aaa").symlink_to(root / "data_preprocessed_python")
    (root / "face_video/s01/up").symlink_to(root / "face_video")
    (root / "nowhere").symlink_to(root / "nowhere")
    assert Deap().check(root) == []
    assert Deap().left_out(root) == {}
    assert [path.resolve() for path in Deap().sources(root, "s01")] == [
        path.resolve() for path in Deap().sources(simulated, "s01")
    ]


@pytest.mark.parametrize(
    ("folder", "levels"), [("face_video/s01", "2 folders"), ("metadata_csv", "1 folder"), ("a/b/c", "3 folders")]
)
def test_a_folder_too_deep_is_said_with_the_one_to_give(
    copy: Callable[..., Path], simulated: Path, folder: str, levels: str
) -> None:
    root = copy()
    (root / folder).mkdir(parents=True, exist_ok=True)
    (problem,) = Deap().check(root / folder)
    assert f"it is {levels} below the folder of DEAP" in problem.message
    assert problem.remedy == f"give --data {root}"


def test_videos_without_signals_ask_for_the_folder_of_both(copy: Callable[..., Path]) -> None:
    root = copy(SIGNALS)
    for given in (root, root / "face_video", root / "face_video/s01"):
        (problem,) = Deap().check(given)
        assert "holds face videos of s01 and no data_preprocessed_python/sNN.dat" in problem.message
        assert problem.remedy == "give --data the folder that holds both data_preprocessed_python and face_video"


def check_on_shell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], root: Path, *options: str
) -> tuple[int, str, str]:
    dataset = "deap[windows=2,frames=2,face_size=24]"
    monkeypatch.setattr(sys, "argv", ["mmbench", "data", "check", dataset, "--data", str(root), *options])
    with pytest.raises(SystemExit) as stop:
        main()
    return (int(stop.value.code or 0), *capsys.readouterr())


def test_what_only_decoding_shows_is_found_by_reading_every_sample(
    copy: Callable[..., Path],
    simulated: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    content = bytearray((simulated / FILM).read_bytes())
    content[3000:-2000] = bytes(len(content) - 5000)
    root = damaged(copy, simulated, FILM, bytes(content))
    assert check_on_shell(monkeypatch, capsys, root)[0] == 0
    code, output, errors = check_on_shell(monkeypatch, capsys, root, "--read", "--jobs", "1")
    assert code == 2
    assert "read: 78 samples without an error" in output
    assert f"{FILM}: the video has no frames (2 samples)" in errors
    code, output, _ = check_on_shell(monkeypatch, capsys, root, "--read", "--jobs", "1", "--json")
    assert code == 2
    assert json.loads(output)["read"] == 78
    (problem,) = json.loads(output)["problems"]
    assert (problem["path"], problem["concerns"]) == (str(root / FILM), "sample")


def test_nothing_is_read_where_the_check_finds_a_problem(
    copy: Callable[..., Path], simulated: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = damaged(copy, simulated, SIGNALS, b"no signals")
    code, output, errors = check_on_shell(monkeypatch, capsys, root, "--read")
    assert code == 2
    assert "read: no sample, because of these problems" in output
    assert "cannot be read as a pickle of DEAP" in errors


def test_jobs_without_reading_are_refused(
    simulated: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, errors = check_on_shell(monkeypatch, capsys, simulated, "--jobs", "2")
    assert code == 2
    assert "--jobs: applies to reading — add --read, or leave --jobs out" in errors


def test_the_other_source_is_offered_where_only_its_signals_are_there(simulated: Path) -> None:
    (problem,) = Deap(source="bdf").check(simulated)
    assert problem.message == "holds no data_original/sNN.bdf"
    assert problem.remedy == "add data_original from DEAP, or use deap[source=preprocessed]"
