import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmbench import DataError
from mmbench_datasets.seed_v import SeedV, SeedVSim
from mmbench_datasets.seed_v.layout import EMOTIONS

FOLDERS = ("EEG_DE_features", "Eye_movement_features")
LABELS = [number % 5 for number in range(45)]


def features(width: int, n_windows: int = 2) -> dict[int, np.ndarray]:
    counted = np.arange(float(n_windows * width)).reshape(n_windows, width)
    return {number: counted + 100 * number for number in range(45)}


def labels(n_windows: int = 2) -> dict[int, np.ndarray]:
    return {number: np.full(n_windows, LABELS[number]) for number in range(45)}


def save(path: Path, data: object, label: object, protocol: int = 3) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, data=pickle.dumps(data, protocol), label=pickle.dumps(label, protocol))
    return path


def write(root: Path, person: int = 4, eye: Any = None, eeg: Any = None, of_eeg: Any = None) -> Path:
    """Files of a person; ``eye`` is False for none."""
    save(root / FOLDERS[0] / f"{person}_123.npz", eeg or features(310), of_eeg or labels())
    if eye is not False:
        save(root / FOLDERS[1] / f"{person}_123.npz", eye or features(33), labels())
    return root


def read(root: Path, unit: str = "s04") -> list[Any]:
    return [*SeedV().read(root, unit)]


@pytest.mark.parametrize("protocol", [0, 2, 3, 4, 5])
def test_values_labels_and_groups_are_those_of_the_files(tmp_path: Path, protocol: int) -> None:
    save(tmp_path / FOLDERS[0] / "4_123.npz", features(310), labels(), protocol)
    save(tmp_path / FOLDERS[1] / "4_123.npz", features(33), labels(), protocol)
    assert SeedV().check(tmp_path) == []
    assert SeedV().units(tmp_path) == ["s04"]
    samples = read(tmp_path)
    assert [sample.labels["emotion"] for sample in samples[::2]] == LABELS
    one = samples[2 * 18 + 1]
    assert one.id == "s04/2/v04/w001"
    assert one.groups == {"subject": "s04", "session": "s04/2", "trial": "s04/2/v04", "video": "2/v04"}
    np.testing.assert_array_equal(one.data["eeg"][0], features(310)[18][1])
    np.testing.assert_array_equal(one.data["eye"][0], features(33)[18][1])


def test_people_trials_windows_and_classes_are_counted(tmp_path: Path) -> None:
    write(write(tmp_path, 4), 16)
    assert SeedV().counts(tmp_path) == {
        "people": 2,
        "trials": 90,
        "windows": 180,
        **{f"windows of {emotion}": 36 for emotion in EMOTIONS},
    }
    assert SeedV().assumptions(tmp_path)[1] == "2 of SEED-V's 16 people"
    assert "do not say whether features are smoothed" in SeedV().card_of(tmp_path).notes[0]


def test_a_person_without_eye_features_and_windows_without_numbers_lack_the_modality(tmp_path: Path) -> None:
    holes = features(33)
    holes[3][1, 7], holes[4][0, 0] = np.nan, -np.inf
    holed = features(310)
    holed[6][1, 3] = np.inf
    write(write(tmp_path, 4, eye=holes, eeg=holed), 5, eye=False)
    lacking = [sample.id for sample in read(tmp_path) if "eye" not in sample.data]
    assert lacking == ["s04/1/v04/w001", "s04/1/v05/w000"]
    assert not any("eye" in sample.data for sample in read(tmp_path, "s05"))
    left = SeedV().left_out(tmp_path)
    assert left["eye features of 2 windows of s04"] == "NaN or infinite"
    assert left["eeg features of 1 window of s04"] == "NaN or infinite"
    assert left["eye features of s05"] == "no Eye_movement_features/5_123.npz"


def test_a_person_that_there_is_not_is_a_problem(tmp_path: Path) -> None:
    (problem,) = SeedV().check(write(tmp_path, 17))
    assert problem.path == str(tmp_path / FOLDERS[0] / "17_123.npz")
    assert problem.message == "is of person 17, where the dataset has the people 1 to 16"


def changed(values: dict[int, Any], number: int, value: Any) -> dict[int, Any]:
    return {**values, number: value}


@pytest.mark.parametrize(
    ("parts", "message", "file"),
    [
        ({"eeg": changed(features(310), 2, np.zeros((2, 309)))}, r"trial 2 has the shape \(2, 309\), not", 0),
        ({"eeg": changed(features(310), 2, "text")}, "trial 2 has the shape str, not", 0),
        ({"eye": changed(features(33), 2, np.zeros((2, 31)))}, r"trial 2 has the shape \(2, 31\), not", 1),
        (
            {"eye": changed(features(33), 2, np.zeros((3, 33)))},
            "windows that do not belong together: 2 of eeg, 3 of",
            0,
        ),
        (
            {"eye": changed(features(33), 2, np.zeros((0, 33)))},
            "windows that do not belong together: 2 of eeg, 0 of",
            0,
        ),
        ({"of_eeg": changed(labels(), 2, np.array([2, 3]))}, "trial 2 has the labels 2, 3, not one of 0-4", 0),
        ({"of_eeg": changed(labels(), 2, np.array([5, 5]))}, "trial 2 has the labels 5, not one of 0-4", 0),
        ({"of_eeg": changed(labels(), 2, np.array([1.5]))}, "trial 2 has the labels 1.5, not one of", 0),
        ({"of_eeg": changed(labels(), 2, np.array([4, 4]))}, "trial 2 has other labels in the eye features", 0),
        ({"of_eeg": changed(labels(), 2, np.array([2]))}, "trial 2 has 1 label of 2 windows", 0),
        ({"of_eeg": changed(labels(), 2, np.array([]))}, "trial 2 has no labels", 0),
    ],
)
def test_a_bad_trial_is_one_error_and_the_others_are_read(tmp_path: Path, parts, message: str, file: int) -> None:
    outcomes = read(write(tmp_path, **parts))
    (error,) = (each for each in outcomes if isinstance(each, DataError))
    assert error.where == str(tmp_path / FOLDERS[file] / "4_123.npz")
    with pytest.raises(DataError, match=message):
        raise error
    assert len(outcomes) == 44 * 2 + 1


def test_a_missing_trial_is_one_error(tmp_path: Path) -> None:
    eeg = features(310)
    del eeg[44]
    error = read(write(tmp_path, eeg=eeg))[-1]
    assert error.message == "has no trial 44"
    (problem,) = SeedV().check(tmp_path)
    assert (problem.path, problem.message, problem.concerns) == (error.where, "has no trial 44", "sample")


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def replace_by_objects(path: Path) -> None:
    np.savez(path, data=np.array([{}, 1], object), label=np.array([{}], object))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate, "is truncated or damaged"),
        (replace_by_objects, "is truncated or damaged"),
        (lambda path: np.savez(path, other=np.eye(2)), "has no arrays data and label"),
        (lambda path: np.savez(path, data=np.eye(2), label=np.eye(2)), "is truncated or damaged"),
        (lambda path: save(path, [1], {}), "data and label are not dicts"),
        (lambda path: path.write_text("<html>sign in</html>"), "is an HTML page"),
        (lambda path: path.write_bytes(b""), "is empty"),
    ],
)
def test_damaged_and_foreign_files_are_problems(tmp_path: Path, damage: Callable[[Path], Any], message: str) -> None:
    path = write(tmp_path) / FOLDERS[0] / "4_123.npz"
    damage(path)
    (problem,) = SeedV().check(tmp_path)
    assert problem.path == str(path)
    assert problem.message.startswith(message)
    assert problem.remedy
    with pytest.raises(DataError, match=message):
        read(tmp_path)


def test_code_in_a_pickle_is_not_run(tmp_path: Path) -> None:
    trap = b"cos\nsystem\n(S'touch " + bytes(tmp_path / "trap") + b"'\ntR."
    path = write(tmp_path) / FOLDERS[0] / "4_123.npz"
    np.savez(path, data=trap, label=trap)
    assert "no code was run" in SeedV().check(tmp_path)[0].message
    assert not (tmp_path / "trap").exists()


def test_missing_folders_are_problems(tmp_path: Path) -> None:
    assert SeedV().check(tmp_path / "nowhere")[0].message == "no such folder"
    (problem,) = SeedV().check(tmp_path)
    assert "EEG_DE_features/1_123.npz" in problem.message
    assert "licence agreement" in problem.remedy
    write(tmp_path, eye=False)
    assert SeedV().check(tmp_path)[0].message == "has no eye features"


def test_the_folder_one_deeper_is_found_and_two_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "SEED-V")
    assert SeedV().units(tmp_path) == ["s04"]
    write(tmp_path / "copy")
    assert SeedV().check(tmp_path)[0].message == "has the files in several folders: SEED-V, copy"


def test_simulated_files_are_the_same_again_and_read_by_the_twin(tmp_path: Path) -> None:
    twin = SeedVSim(subjects=1, windows=3)
    root = twin.locate(tmp_path / "cache")
    assert twin.check(root) == []
    assert twin.card_of(root).access == "simulated"
    assert twin.card_of(root).notes == twin.card.notes == (), "nothing is smoothed"
    samples = [*twin.read(root, "s01")]
    assert len(samples) == 45 // 3 * (3 + 4 + 5)
    emotions = np.array([sample.labels["emotion"] for sample in samples if sample.id.endswith("w000")])
    assert [np.bincount(part).tolist() for part in emotions.reshape(3, 15)] == [[3] * 5] * 3
    SeedV().simulate(tmp_path / "again", subjects=1, windows=3)
    np.testing.assert_array_equal(
        next(iter(SeedV().read(tmp_path / "again", "s01"))).data["eeg"], samples[0].data["eeg"]
    )


@pytest.mark.parametrize(("strength", "low", "high"), [(0.0, 0.0, 0.35), (1.0, 0.6, 1.0)])
def test_the_strength_of_the_simulated_effect(tmp_path: Path, strength: float, low: float, high: float) -> None:
    """Nearest class means of two people, scored on the third; 0.2 by chance."""
    SeedV().simulate(tmp_path, subjects=3, windows=4, strength=strength)
    rows, emotions = [], []
    for unit in SeedV().units(tmp_path):
        samples = [*SeedV().read(tmp_path, unit)]
        of_person = np.stack([np.concatenate([part[0] for part in sample.data.values()]) for sample in samples])
        rows.append(of_person - of_person.mean(axis=0))
        emotions.append(np.array([sample.labels["emotion"] for sample in samples]))
    train, known = np.concatenate(rows[:2]), np.concatenate(emotions[:2])
    means = np.stack([train[known == emotion].mean(axis=0) for emotion in range(5)])
    nearest = ((rows[2][:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    assert low <= np.mean(nearest == emotions[2]) <= high
