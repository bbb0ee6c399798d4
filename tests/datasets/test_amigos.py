from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmbench import DataError, Sample, SpecError
from mmbench_datasets.amigos import Amigos, AmigosSim
from mmbench_datasets.shared.mat_writer import make_cells, write_mat

SIGNAL = np.arange(128 * 9 * 17.0).reshape(-1, 17)  # 5 s of baseline and 4 s of video
RATED = np.array([[6, 3, 5, 9, 1, 0, 0, 1, 1, 0, 0, 0.0]])
NAMES = [f"N{number}" for number in range(20)]


def write(root: Path, person: int = 1, signals: Any = None, labels: Any = None, **changes: Any) -> Path:
    """A person's file; ``signals`` and ``labels`` exchange those of some videos."""
    of_videos = [SIGNAL + number for number in range(20)]
    rated = [RATED] * 20
    for number, value in (signals or {}).items():
        of_videos[number] = value
    for number, value in (labels or {}).items():
        rated[number] = value
    content = {
        "joined_data": make_cells(of_videos),
        "labels_selfassessment": make_cells(rated),
        "VideoIDs": make_cells(NAMES),
        **changes,
    }
    write_mat(root / f"Data_Preprocessed_P{person:02d}.mat", content, compressed=True)
    return root


def read(root: Path, unit: str = "p01", **options: Any) -> list[Any]:
    return [*Amigos(**{"window": 2.0, **options}).read(root, unit)]


def test_values_labels_and_groups_are_those_of_the_file(tmp_path: Path) -> None:
    write(tmp_path)
    assert Amigos().check(tmp_path) == []
    assert Amigos().units(tmp_path) == ["p01"]
    samples = read(tmp_path)
    assert len(samples) == 16 * 2
    one = samples[2 * 6 + 1]
    assert one.id == "p01/v07/w001"
    assert one.span == (2.0, 4.0)
    assert one.groups == {"subject": "p01", "trial": "p01/v07", "video": "N6"}
    assert one.labels == {
        "arousal": 1,
        "valence": 0,
        "dominance": 0,
        "liking": 1,
        "familiarity": 0,
        "quadrant": 3,
        "ratings": [6, 3, 5, 9, 1],
        "emotions": [0, 0, 1, 1, 0, 0, 0],
    }
    window = (SIGNAL + 6)[7 * 128 : 9 * 128].T
    np.testing.assert_array_equal(one.data["eeg"][0], window[:14])
    np.testing.assert_array_equal(one.data["ecg"][0], window[14:16])
    np.testing.assert_array_equal(one.data["gsr"][0], window[16:])


def test_short_long_or_all_videos(tmp_path: Path) -> None:
    write(tmp_path)
    trials = {
        videos: {sample.groups["trial"] for sample in read(tmp_path, videos=videos)}
        for videos in ("short", "long", "all")
    }
    assert len(trials["short"]) == 16
    assert trials["long"] == {f"p01/v{number}" for number in (17, 18, 19, 20)}
    assert trials["all"] == trials["short"] | trials["long"]
    assert Amigos(videos="long").left_out(tmp_path)["videos"] == "videos=long leaves the others out"


def test_videos_that_were_not_recorded_or_rated_are_left_out_and_counted(tmp_path: Path) -> None:
    nothing = np.zeros((0, 0))
    write(tmp_path, signals={2: nothing, 3: nothing, 19: nothing}, labels={2: nothing, 5: nothing, 19: nothing})
    samples = read(tmp_path)
    assert all(isinstance(sample, Sample) for sample in samples)
    assert {sample.groups["trial"][-2:] for sample in samples} == {
        f"{number:02d}" for number in range(1, 17) if number not in (3, 4, 6)
    }
    left = Amigos().left_out(tmp_path)
    assert left["p01: v03, v04"] == "not recorded: empty in the file"
    assert left["p01: v06"] == "recorded, but not rated: empty in the file"
    assert Amigos(window=2.0, ties="drop", threshold=6).counts(tmp_path) == {
        "people": 1,
        "trials": 13,
        "windows": 26,
        "windows of low arousal": 0,
        "windows of high arousal": 0,
    }
    assert Amigos(window=2.0).counts(tmp_path)["windows of high arousal"] == 26


def test_a_signal_that_is_nan_throughout_is_missing(tmp_path: Path) -> None:
    without_ecg = SIGNAL.copy()
    without_ecg[:, 14:16] = np.nan
    samples = read(write(tmp_path, signals={0: without_ecg}))
    assert [set(sample.data) for sample in samples[:3]] == [{"eeg", "gsr"}, {"eeg", "gsr"}, {"eeg", "ecg", "gsr"}]


def bad(value: float) -> np.ndarray:
    changed = SIGNAL.copy()
    changed[8 * 128, 3] = value
    return changed


def rated(at: int, value: float) -> np.ndarray:
    changed = RATED.copy()
    changed[0, at] = value
    return changed


@pytest.mark.parametrize(
    ("changes", "message", "n_samples"),
    [
        ({"signals": {1: SIGNAL[:, :16]}}, "joined_data has the shape (1152, 16), not (time, 17)", 30),
        ({"signals": {1: "text"}}, "joined_data has the shape str, not (time, 17)", 30),
        ({"signals": {1: bad(np.nan)}}, "p01/v02/w001: eeg has NaN or infinite values", 31),
        ({"signals": {1: bad(-np.inf)}}, "p01/v02/w001: eeg has NaN or infinite values", 31),
        ({"signals": {1: SIGNAL[:700]}}, "p01/v02: nothing was recorded for a window of 2 s", 30),
        ({"signals": {1: SIGNAL * np.nan}}, "p01/v02: nothing was recorded for a window of 2 s", 30),
        ({"labels": {1: rated(0, np.nan)}}, "arousal is not rated", 30),
        ({"labels": {1: rated(3, 9.5)}}, "liking is 9.5, outside 1-9", 30),
        ({"labels": {1: rated(5, 3)}}, "neutral is 3, not 0 or 1", 30),
        ({"labels": {1: RATED[:, :5]}}, "its self-assessment has the shape (1, 5), not (1, 12)", 30),
    ],
)
def test_a_bad_video_is_one_error_and_the_others_are_read(tmp_path: Path, changes, message: str, n_samples) -> None:
    outcomes = read(write(tmp_path, **changes))
    (error,) = (each for each in outcomes if isinstance(each, DataError))
    assert error.message == message
    assert error.where == f"{tmp_path / 'Data_Preprocessed_P01.mat'}, video 2"
    assert sum(isinstance(each, Sample) for each in outcomes) == n_samples


def test_videos_that_cannot_be_used_are_not_counted_as_windows(tmp_path: Path) -> None:
    write(tmp_path, signals={1: SIGNAL[:, :16], 2: SIGNAL[:200]}, labels={3: rated(0, np.nan)})
    counts = Amigos(window=2.0).counts(tmp_path)
    assert counts["windows"] == 13 * 2 == sum(isinstance(each, Sample) for each in read(tmp_path))
    where = f"{tmp_path / 'Data_Preprocessed_P01.mat'}, video 2"
    first, second = Amigos(window=2.0).check(tmp_path)
    assert (first.path, first.concerns, second.concerns) == (where, "sample", "sample")
    assert first.message == "joined_data has the shape (1152, 16), not (time, 17)"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"joined_data": np.eye(3)}, "has no cells 'joined_data'"),
        ({"joined_data": make_cells([SIGNAL] * 19)}, "has signals of 19 videos and 20 self-assessments, not 20"),
        ({"VideoIDs": make_cells(["N1"] * 20)}, "has no names of 20 videos in VideoIDs"),
        ({"VideoIDs": "N1"}, "has no names of 20 videos in VideoIDs"),
    ],
)
def test_files_of_another_kind_are_refused_with_the_reason(tmp_path: Path, changes, message: str) -> None:
    write(tmp_path, **changes)
    with pytest.raises(DataError, match=message) as error:
        read(tmp_path)
    assert error.value.where == str(tmp_path / "Data_Preprocessed_P01.mat")
    (problem,) = Amigos().check(tmp_path)
    assert (problem.path, problem.concerns) == (error.value.where, "dataset")


def test_two_files_of_one_person_are_refused(tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    path = write(write(tmp_path) / "copy") / "Data_Preprocessed_P01.mat"
    (problem,) = Amigos().check(tmp_path)
    assert (problem.path, problem.message) == (str(path), f"is of the person of {tmp_path / path.name}")


def test_videos_are_the_same_for_people_who_have_them_in_another_order(tmp_path: Path) -> None:
    write(write(tmp_path), 2, VideoIDs=make_cells(NAMES[::-1]), labels={0: rated(0, 2)})
    assert read(tmp_path, "p02", videos="all")[0].groups["video"] == "N19"


def test_files_in_the_folders_of_their_archives_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "data_preprocessed" / "Data_Preprocessed_P12"
    folder.mkdir(parents=True)
    write(folder, 12)
    assert Amigos().units(tmp_path) == ["p12"]
    assert Amigos().sources(tmp_path, "p12") == [folder / "Data_Preprocessed_P12.mat"]
    assert Amigos().assumptions(tmp_path)[1] == "1 of AMIGOS' 40 people"


def test_missing_and_truncated_files_are_problems(tmp_path: Path) -> None:
    assert Amigos().check(tmp_path / "nowhere")[0].message == "no such folder"
    assert "end user licence" in Amigos().check(tmp_path)[0].remedy
    path = write(tmp_path) / "Data_Preprocessed_P01.mat"
    path.write_bytes(path.read_bytes()[:-500])
    (problem,) = Amigos().check(tmp_path)
    assert problem.path == str(path)
    assert "truncated" in problem.message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"videos": "some"}, "videos='some'"),
        ({"window": 51}, "window=51 is outside"),
        ({"threshold": 0}, "threshold=0 is not within"),
    ],
)
def test_options_without_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Amigos(**options)


def table(root: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log spectra of all signals in ten bands, centred by person; arousal above its median; person."""
    dataset = Amigos(window=5.0)
    samples = [each for unit in dataset.units(root) for each in dataset.read(root, unit) if isinstance(each, Sample)]
    rows = []
    for sample in samples:
        signal = np.concatenate([part[0] for part in sample.data.values()])
        power = np.abs(np.fft.rfft(signal - signal.mean(axis=1, keepdims=True))) ** 2
        rows.append(np.log(np.stack([part.mean(axis=1) for part in np.array_split(power[:, 1:], 10, axis=1)])).ravel())
    people = np.array([sample.groups["subject"] for sample in samples])
    described = np.stack(rows)
    for who in set(people):
        described[people == who] -= described[people == who].mean(axis=0)
    arousal = np.array([sample.labels["ratings"][0] for sample in samples])  # type: ignore[index]
    return described, arousal > np.median(arousal), people


@pytest.mark.parametrize(("strength", "low", "high"), [(0.0, 0.2, 0.65), (1.0, 0.75, 1.0)])
def test_the_strength_of_the_simulated_effect(tmp_path: Path, strength: float, low: float, high: float) -> None:
    Amigos().simulate(tmp_path, subjects=4, seconds=12, strength=strength)
    rows, aroused, people = table(tmp_path)
    train = people != "p04"
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=1000)).fit(rows[train], aroused[train])
    assert low <= model.score(rows[~train], aroused[~train]) <= high


def test_simulated_files_say_so_are_the_same_again_and_lack_what_amigos_lacks(tmp_path: Path) -> None:
    for name, subjects in (("first", 9), ("again", 1)):
        Amigos().simulate(tmp_path / name, subjects=subjects, seconds=6)
    first, again = (tmp_path / name / "Data_Preprocessed_P01.mat" for name in ("first", "again"))
    assert first.read_bytes() == again.read_bytes()
    assert Amigos().card_of(tmp_path / "first").access == "simulated"
    left = Amigos(videos="all").left_out(tmp_path / "first")
    assert {"p08: v17, v18, v19, v20", "p09: v05"} <= set(left)


def test_the_twin_makes_its_files_and_reads_them(tmp_path: Path) -> None:
    twin = AmigosSim(subjects=1, seconds=12, videos="long")
    root = twin.locate(tmp_path)
    assert twin.check(root) == []
    assert len([*twin.read(root, "p01")]) == 4 * 2
