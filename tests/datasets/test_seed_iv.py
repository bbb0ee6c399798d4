from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmbench import DataError, Sample
from mmbench_datasets.seed_iv import SeedIv, SeedIvSim
from mmbench_datasets.seed_iv.layout import EMOTIONS, LABELS
from mmbench_datasets.shared.mat_writer import write_mat

NAME, LATER = "7_20150707.mat", "7_20150717.mat"


def eeg(n_windows: int = 2) -> dict[str, np.ndarray]:
    """Features that differ by kind, trial, channel, window and band."""
    counted = np.arange(62 * n_windows * 5.0).reshape(62, n_windows, 5)
    kinds = {"de_LDS": 0.0, "de_movingAve": 0.25, "psd_LDS": 0.5, "psd_movingAve": 0.75}
    return {f"{kind}{trial}": counted + 1000 * trial + more for kind, more in kinds.items() for trial in range(1, 25)}


def eye(n_windows: int = 2) -> dict[str, np.ndarray]:
    return {f"eye_{trial}": np.arange(31.0 * n_windows).reshape(31, -1) + 1000 * trial for trial in range(1, 25)}


def write(root: Path, session: int = 1, of_eeg: Any = None, of_eye: Any = None, name: str = NAME) -> Path:
    write_mat(root / "eeg_feature_smooth" / str(session) / name, of_eeg or eeg(), compressed=True)
    if of_eye != "none":
        write_mat(root / "eye_feature_smooth" / str(session) / name, of_eye or eye())
    return root


def read(root: Path, unit: str = "s07", **options: Any) -> list[Any]:
    return [*SeedIv(**options).read(root, unit)]


def test_values_labels_and_groups_are_those_of_the_files(tmp_path: Path) -> None:
    write(write(tmp_path, 1), 3, name=LATER)
    assert SeedIv().check(tmp_path) == []
    assert SeedIv().units(tmp_path) == ["s07"]
    samples = read(tmp_path)
    assert len(samples) == 2 * 24 * 2
    assert [sample.labels["emotion"] for sample in samples[::2]] == [*LABELS[1], *LABELS[3]]
    one = samples[2 * 24 + 2 * 4 + 1]
    assert one.id == "s07/3/v05/w001"
    assert one.span == (4.0, 8.0)
    assert one.groups == {"subject": "s07", "session": "s07/3", "trial": "s07/3/v05", "video": "3/v05"}
    assert EMOTIONS[one.labels["emotion"]] == "happy"
    np.testing.assert_array_equal(one.data["eeg"][0], eeg()["de_LDS5"][:, 1].ravel())
    np.testing.assert_array_equal(one.data["eye"][0], eye()["eye_5"][:, 1])


@pytest.mark.parametrize(
    ("options", "more"),
    [({"smoothing": "moving-average"}, 0.25), ({"feature": "psd"}, 0.5)],
)
def test_other_features_and_smoothing_are_read_where_asked_for(tmp_path: Path, options, more: float) -> None:
    sample = read(write(tmp_path), **options)[0]
    np.testing.assert_array_equal(sample.data["eeg"][0], eeg()["de_LDS1"][:, 0].ravel() + more)


def test_a_person_that_there_is_not_is_a_problem(tmp_path: Path) -> None:
    (problem,) = SeedIv().check(write(tmp_path, name="16_20150707.mat"))
    assert problem.path == str(tmp_path / "eeg_feature_smooth" / "1" / "16_20150707.mat")
    assert problem.message == "is of person 16, where the dataset has the people 1 to 15"
    (tmp_path / "SIMULATED.json").touch()
    assert SeedIv().units(tmp_path) == ["s16"], "a simulation may have any number of people"


def test_windows_without_finite_eeg_are_told(tmp_path: Path) -> None:
    holes = eeg()
    holes["de_LDS3"][4, 1, 0] = -np.inf
    left = SeedIv().left_out(write(tmp_path, of_eeg=holes))
    assert left == {"eeg features of 1 window of s07, session 1": "NaN or infinite"}


@pytest.mark.parametrize(
    ("session", "name", "message"),
    [
        (2, NAME, "has the date of {}, but sessions are days apart"),
        (1, LATER, "is a second file of this person and session 1, beside {}"),
    ],
)
def test_two_files_of_a_date_or_of_a_session_are_refused(tmp_path: Path, session: int, name: str, message: str) -> None:
    write(write(tmp_path, 1), session, name=name)
    (problem,) = SeedIv().check(tmp_path)
    folder = tmp_path / "eeg_feature_smooth"
    assert problem.path == str(folder / str(session) / name)
    assert problem.message == message.format(folder / "1" / NAME)
    with pytest.raises(DataError, match=r"this person|days apart"):
        read(tmp_path)


def test_every_session_has_all_emotions_six_times() -> None:
    for labels in LABELS.values():
        assert np.bincount(labels).tolist() == [6, 6, 6, 6]


def test_the_card_says_how_features_were_smoothed(tmp_path: Path) -> None:
    write(tmp_path)
    assert "linear dynamical system over whole trials" in SeedIv().card_of(tmp_path).notes[0]
    assert "moving averages" in SeedIv(smoothing="moving-average").card_of(tmp_path).notes[0]
    assert SeedIv().card.notes == SeedIv().card_of(tmp_path).notes


def test_people_sessions_trials_windows_and_classes_are_counted(tmp_path: Path) -> None:
    write(write(tmp_path, 1), 2, name="12_20150707.mat")
    assert SeedIv().counts(tmp_path) == {
        "people": 2,
        "sessions": 2,
        "trials": 48,
        "windows": 96,
        **{f"windows of {emotion}": 24 for emotion in EMOTIONS},
    }
    assert SeedIv().assumptions(tmp_path)[1] == "2 of SEED-IV's 45 sessions, of 2 people"


def test_a_session_without_eye_features_and_windows_without_numbers_lack_the_modality(tmp_path: Path) -> None:
    holes = eye()
    holes["eye_3"][4, 1] = np.nan
    holes["eye_4"][4, 0] = -np.inf
    write(write(tmp_path, 1, of_eye=holes), 2, of_eye="none", name=LATER)
    samples = read(tmp_path)
    assert [sample.id for sample in samples[:48] if "eye" not in sample.data] == ["s07/1/v03/w001", "s07/1/v04/w000"]
    assert not any("eye" in sample.data for sample in samples[48:])
    left = SeedIv().left_out(tmp_path)
    assert left["eye features of s07, session 2"]
    assert left["eye features of 2 windows of s07, session 1"] == "NaN or infinite"
    assert sum("eye" in line for line in left) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"de_LDS2": np.zeros((61, 2, 5))}, "de_LDS2 has the shape (61, 2, 5), not (62, windows, 5)"),
        ({"de_LDS2": np.zeros((62, 2))}, "de_LDS2 has the shape (62, 2), not (62, windows, 5)"),
        ({"de_LDS2": "text"}, "has no numbers 'de_LDS2'"),
        ({"de_LDS2": np.zeros((62, 3, 5))}, "s07/1/v02: windows that do not belong together: 3 of eeg, 2 of eye"),
    ],
)
def test_a_bad_film_is_one_error_and_the_others_are_read(tmp_path: Path, change, message: str) -> None:
    outcomes = read(write(tmp_path, of_eeg=eeg() | change))
    (error,) = (each for each in outcomes if isinstance(each, DataError))
    assert error.message == message
    assert error.where == str(tmp_path / "eeg_feature_smooth" / "1" / NAME)
    assert len(outcomes) == 2 * 23 + 1


def test_a_missing_film_is_one_error(tmp_path: Path) -> None:
    without = {name: values for name, values in eye().items() if name != "eye_24"}
    *_, error = read(write(tmp_path, of_eye=without))
    assert error.message == "has no numbers 'eye_24'"
    (problem,) = SeedIv().check(tmp_path)
    assert (problem.path, problem.message, problem.concerns) == (error.where, error.message, "sample")


def test_a_file_of_raw_recordings_is_named(tmp_path: Path) -> None:
    write(tmp_path, of_eeg={"cz_eeg1": np.zeros((62, 400))})
    with pytest.raises(DataError, match="has no de_LDS1 to de_LDS24; its variables are others"):
        read(tmp_path)
    assert [problem.concerns for problem in SeedIv().check(tmp_path)] == ["dataset"]


def test_missing_and_truncated_files_are_problems(tmp_path: Path) -> None:
    assert SeedIv().check(tmp_path / "nowhere")[0].message == "no such folder"
    (problem,) = SeedIv().check(tmp_path)
    assert "eeg_feature_smooth/1/1_20160518.mat" in problem.message
    assert "licence agreement" in problem.remedy
    write(tmp_path, of_eye="none")
    assert SeedIv().check(tmp_path)[0].message == "has no eye features"
    write(tmp_path, 2, name=LATER)
    path = tmp_path / "eye_feature_smooth" / "2" / LATER
    path.write_bytes(path.read_bytes()[:-300])
    (problem,) = SeedIv().check(tmp_path)
    assert problem.path == str(path)
    assert "truncated" in problem.message


def test_the_folder_within_the_folder_is_found(tmp_path: Path) -> None:
    write(tmp_path / "SEED_IV")
    assert SeedIv().units(tmp_path) == ["s07"]
    (tmp_path / "SEED_IV" / "eeg_raw_data").mkdir()
    assert set(SeedIv().left_out(tmp_path)) == {"SEED_IV/eeg_raw_data"}
    write(tmp_path / "copy")
    assert SeedIv().check(tmp_path)[0].message == "has the files in several folders: SEED_IV, copy"


def score(samples: list[Sample], train: np.ndarray, modalities: tuple[str, ...] = ("eeg", "eye")) -> float:
    """Accuracy of a logistic regression on features centred by person; 0.25 by chance."""
    rows = np.stack([np.concatenate([sample.data[name][0] for name in modalities]) for sample in samples])
    people = np.array([sample.groups["subject"] for sample in samples])
    emotion = np.array([sample.labels["emotion"] for sample in samples])
    for who in set(people):
        rows[people == who] -= rows[people == who].mean(axis=0)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500)).fit(rows[train], emotion[train])
    return float(model.score(rows[~train], emotion[~train]))


def simulate(root: Path, strength: float = 1.0) -> list[Sample]:
    SeedIv().simulate(root, subjects=3, windows=8, strength=strength)
    dataset = SeedIv()
    return [each for unit in dataset.units(root) for each in dataset.read(root, unit) if isinstance(each, Sample)]


def people_but_the_last(samples: list[Sample]) -> np.ndarray:
    return np.array([sample.groups["subject"] != "s03" for sample in samples])


def test_both_modalities_together_tell_the_simulated_emotion_best(tmp_path: Path) -> None:
    samples = simulate(tmp_path)
    train = people_but_the_last(samples)
    alone = [score(samples, train, (name,)) for name in ("eeg", "eye")]
    both = score(samples, train)
    assert min(alone) > 0.35
    assert both > max(alone)
    assert both > 0.6


def test_smoothed_windows_recognise_their_trial_without_any_effect(tmp_path: Path) -> None:
    samples = simulate(tmp_path, strength=0)
    assert score(samples, people_but_the_last(samples)) < 0.35
    assert score(samples, np.random.default_rng(0).random(len(samples)) < 0.8) > 0.7, "over shuffled windows"


def test_simulated_files_say_so_and_are_the_same_again(tmp_path: Path) -> None:
    for name in ("first", "second"):
        SeedIv().simulate(tmp_path / name, subjects=1, windows=4)
    assert SeedIv().card_of(tmp_path / "first").access == "simulated"
    assert SeedIv().card_of(tmp_path / "first").notes
    first, second = (tmp_path / name / "eeg_feature_smooth/1/1_20160101.mat" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


def test_the_twin_makes_its_files_and_reads_them(tmp_path: Path) -> None:
    twin = SeedIvSim(subjects=1, windows=5, smoothing="moving-average")
    root = twin.locate(tmp_path)
    assert twin.check(root) == []
    assert len([*twin.read(root, "s01")]) == 24 * 3 * 5
