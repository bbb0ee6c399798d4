import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmbench import DataError, Sample, SpecError
from mmbench_datasets.dreamer import Dreamer, DreamerSim
from mmbench_datasets.shared.mat_writer import make_cells, write_mat

EEG, ECG = np.arange(128 * 5 * 14.0).reshape(-1, 14), np.arange(256 * 5 * 2.0).reshape(-1, 2)


def person(n_films: int = 3, **changes: Any) -> dict[str, Any]:
    """A person who watches films of 5 s, rated 1, 2 and so on in valence, backwards in arousal, 3 in dominance."""

    def of_films(signal: np.ndarray) -> dict[str, Any]:
        films = [signal + film for film in range(n_films)]
        return {"baseline": make_cells(films, column=True), "stimuli": make_cells(films, column=True)}

    ratings = np.arange(1.0, n_films + 1)[:, None]
    scores = {"ScoreValence": ratings, "ScoreArousal": ratings[::-1], "ScoreDominance": ratings * 0 + 3}
    return {"Age": "22", "EEG": of_films(EEG), "ECG": of_films(ECG), **scores, **changes}


def write(root: Path, *people: dict[str, Any], compressed: bool = False) -> Path:
    write_mat(root / "DREAMER.mat", {"DREAMER": {"Data": make_cells(people)}}, compressed=compressed)
    return root


def read(root: Path, unit: str = "s01", **options: Any) -> list[Any]:
    return [*Dreamer(**{"window": 2.0, **options}).read(root, unit)]


@pytest.mark.parametrize("compressed", [False, True])
def test_values_and_labels_are_those_of_the_file(tmp_path: Path, compressed: bool) -> None:
    write(tmp_path, person(2), person(3), compressed=compressed)
    assert Dreamer().check(tmp_path) == []
    assert Dreamer().units(tmp_path) == ["s01", "s02"]
    samples = read(tmp_path, "s02")
    assert [sample.id for sample in samples] == [f"s02/v0{film}/w00{window}" for film in (1, 2, 3) for window in (0, 1)]
    last = samples[-1]
    assert last.labels == {"valence": 0, "arousal": 0, "dominance": 0, "quadrant": 2, "ratings": [3, 1, 3]}
    assert last.groups == {"subject": "s02", "trial": "s02/v03", "video": "v03"}
    assert last.span == (2.0, 4.0)
    np.testing.assert_array_equal(last.data["eeg"], (EEG + 2).T[None, :, 256:512])
    np.testing.assert_array_equal(last.data["ecg"], (ECG + 2).T[None, :, 512:1024])


def test_the_last_seconds_of_a_film_alone(tmp_path: Path) -> None:
    (sample,) = read(write(tmp_path, person(1)), last_seconds=2.0)
    assert sample.span == (3.0, 5.0)
    np.testing.assert_array_equal(sample.data["eeg"][0], EEG.T[:, -256:])
    np.testing.assert_array_equal(sample.data["ecg"][0], ECG.T[:, -512:])
    assert Dreamer(window=2, last_seconds=2).left_out(tmp_path)["beginnings of films"]


def test_people_trials_windows_and_classes_are_counted(tmp_path: Path) -> None:
    write(tmp_path, person(3), person(2))
    counts = Dreamer(window=2.0, threshold=2.0, ties="drop").counts(tmp_path)
    assert counts == {
        "people": 2,
        "trials": 5,
        "windows": 10,
        "windows of low valence": 4,
        "windows of high valence": 2,
    }
    assert Dreamer(window=2.0, last_seconds=2.0).counts(tmp_path)["windows"] == 5
    assert Dreamer().assumptions(tmp_path)[0].startswith("ratings from 1 to 5: above 3 is high, 3 is low")
    assert Dreamer().assumptions(tmp_path)[1] == "DREAMER.mat has 2 of DREAMER's 23 people"


def test_films_that_cannot_be_used_are_not_counted_as_windows(tmp_path: Path) -> None:
    rated = person(ScoreArousal=np.array([[1.0], [9.0], [2.0]]))
    write(tmp_path, with_film("EEG", EEG[:, :13])(), rated, with_film("ECG", ECG[::2])())
    assert Dreamer(window=2.0).counts(tmp_path)["windows"] == 12
    where = f"{tmp_path / 'DREAMER.mat'}, person 1, film 2"
    first, *others = Dreamer(window=2.0).check(tmp_path)
    assert (first.path, first.message) == (where, "EEG has the shape (640, 13), not (time, 14)")
    assert [problem.concerns for problem in (first, *others)] == ["sample"] * 3
    assert sum(isinstance(each, Sample) for unit in ("s01", "s02", "s03") for each in read(tmp_path, unit)) == 12


def with_film(field: str, film: Any) -> Callable[[], dict[str, Any]]:
    """A person whose second film has another signal."""

    def change() -> dict[str, Any]:
        films = list(person()[field]["stimuli"].ravel())
        films[1] = film
        return person(**{field: {"stimuli": make_cells(films, column=True)}})

    return change


def spoil(signal: np.ndarray, value: float) -> np.ndarray:
    changed = signal.copy()
    changed[300, 1] = value
    return changed


@pytest.mark.parametrize(
    ("change", "message", "n_samples"),
    [
        (with_film("EEG", EEG[:, :13]), "EEG has the shape (640, 13), not (time, 14)", 4),
        (with_film("ECG", "text"), "ECG has the shape (), not (time, 2)", 4),
        (with_film("ECG", ECG[::2]), "EEG lasts 5.0 s at 128 Hz, ECG lasts 2.5 s at 256 Hz", 4),
        (with_film("ECG", np.repeat(ECG, 2, axis=0)), "EEG lasts 5.0 s at 128 Hz, ECG lasts 10.0 s at 256 Hz", 4),
        (with_film("EEG", spoil(EEG, np.nan)), "s01/v02/w001: eeg has NaN or infinite values", 5),
        (with_film("ECG", spoil(ECG, -np.inf)), "s01/v02/w000: ecg has NaN or infinite values", 5),
        (lambda: person(ScoreArousal=np.array([[1.0], [np.nan], [2]])), "arousal is not rated", 4),
        (lambda: person(ScoreValence=np.array([[1.0], [6], [2]])), "valence is 6, outside 1-5", 4),
    ],
)
def test_a_bad_film_is_one_error_and_the_others_are_read(tmp_path: Path, change, message: str, n_samples: int) -> None:
    outcomes = read(write(tmp_path, change()))
    (error,) = (each for each in outcomes if isinstance(each, DataError))
    assert error.message == message
    assert error.where == f"{tmp_path / 'DREAMER.mat'}, person 1, film 2"
    assert sum(isinstance(each, Sample) for each in outcomes) == n_samples


def test_a_film_without_ecg_lacks_this_modality(tmp_path: Path) -> None:
    samples = read(write(tmp_path, with_film("ECG", np.zeros((0, 0)))()))
    assert [set(sample.data) for sample in samples] == [{"eeg", "ecg"}] * 2 + [{"eeg"}] * 2 + [{"eeg", "ecg"}] * 2


def test_a_film_that_is_shorter_than_a_window_is_an_error(tmp_path: Path) -> None:
    outcomes = read(write(tmp_path, person()), window=10.0)
    assert ["nothing was recorded for a window of 10 s" in error.message for error in outcomes] == [True] * 3
    assert outcomes[0].remedy == "choose a shorter window, or leave it out: mmbench run ... --bad drop"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ScoreValence": np.ones((2, 1))}, "has EEG of 3 films, ECG of 3, and 2, 3, 3 ratings"),
        ({"ECG": "none"}, "lacks EEG, ECG or ratings"),
        ({"ScoreValence": "high"}, "lacks EEG, ECG or ratings"),
        ({"ScoreValence": make_cells([np.eye(2)] * 3)}, "lacks EEG, ECG or ratings"),
        ({"EEG": np.eye(3)}, "lacks EEG, ECG or ratings"),
    ],
)
def test_a_person_without_a_part_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=f"person 1: {message}"):
        read(write(tmp_path, person(**change)))
    (problem,) = Dreamer().check(tmp_path)
    assert (problem.path, problem.concerns) == (f"{tmp_path / 'DREAMER.mat'}, person 1", "sample")


def test_missing_truncated_and_foreign_files_are_problems(tmp_path: Path) -> None:
    assert "no such folder" in Dreamer().check(tmp_path / "nowhere")[0].message
    (missing,) = Dreamer().check(tmp_path)
    assert (missing.path, missing.message) == (str(tmp_path), "holds no DREAMER.mat")
    assert "zenodo.org" in missing.remedy
    path = write(tmp_path, person()) / "DREAMER.mat"
    path.write_bytes(path.read_bytes()[:-100])
    assert "truncated" in Dreamer().check(tmp_path)[0].message
    write_mat(path, {"joined_data": np.eye(2)})
    assert Dreamer().check(tmp_path)[0].message == "has no people at DREAMER.Data"
    write_mat(path, {"DREAMER": {"Data": np.zeros((1, 5000))}})
    assert Dreamer().check(tmp_path)[0].message.endswith("DREAMER.Data, but an array of shape (1, 5000)")
    write_mat(path, {"DREAMER": {"Data": np.zeros((1, 5))}})
    assert Dreamer().check(tmp_path)[0].message == "has no cells at DREAMER.Data"
    with pytest.raises(DataError, match=r"has no cells at DREAMER\.Data"):
        read(tmp_path)
    path.write_text("<html>sign in</html>")
    assert "HTML" in Dreamer().check(tmp_path)[0].message


def test_a_file_with_another_case_is_found(tmp_path: Path) -> None:
    write(tmp_path, person()).joinpath("DREAMER.mat").rename(tmp_path / "dreamer.MAT")
    assert Dreamer().check(tmp_path) == []
    assert len(read(tmp_path)) == 6


def test_the_file_one_folder_deeper_is_found_and_of_another_name_is_named(tmp_path: Path) -> None:
    (tmp_path / "release").mkdir()
    path = write(tmp_path / "release", person()) / "DREAMER.mat"
    assert Dreamer().sources(tmp_path, "s01") == [path]
    path.rename(tmp_path / "release" / "dreamer_v1.mat")
    (problem,) = Dreamer().check(tmp_path)
    assert problem.message == "holds no DREAMER.mat, but release/dreamer_v1.mat"
    assert problem.remedy == "if these are the files, name them as published: DREAMER.mat"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 61}, "window=61 is outside"),
        ({"window": 0.3}, "not a whole number of samples"),
        ({"threshold": 5}, "threshold=5 is not within the scale"),
        ({"last_seconds": 5}, "last_seconds=5 is shorter than window=10"),
        ({"last_seconds": float("nan")}, "last_seconds=nan is shorter"),
    ],
)
def test_options_without_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Dreamer(**options)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people, three windows of 4 s a film."""
    folder = tmp_path_factory.mktemp("simulated") / "dreamer"
    Dreamer().simulate(folder, subjects=4, seconds=14)
    return folder


def describe(sample: Sample) -> np.ndarray:
    """Log band power of each EEG channel (70,)."""
    signal = sample.data["eeg"][0]
    power = np.abs(np.fft.rfft(signal - signal.mean(axis=1, keepdims=True))) ** 2
    at = np.fft.rfftfreq(signal.shape[1], 1 / 128)
    edges = (1, 4, 8, 14, 31, 45)
    bands = [power[:, (at >= low) & (at < high)].mean(axis=1) for low, high in itertools.pairwise(edges)]
    return np.log(np.concatenate(bands))


def table(root: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Descriptions, centred by person, of all windows; arousal above its median; person; trial."""
    dataset = Dreamer(window=4.0)
    samples = [each for unit in dataset.units(root) for each in dataset.read(root, unit) if isinstance(each, Sample)]
    rows = np.stack([describe(sample) for sample in samples])
    people = np.array([sample.groups["subject"] for sample in samples])
    arousal = np.array([sample.labels["ratings"][1] for sample in samples])  # type: ignore[index]
    for who in set(people):
        rows[people == who] -= rows[people == who].mean(axis=0)
    return rows, arousal > np.median(arousal), people, np.array([sample.groups["trial"] for sample in samples])


def score(root: Path) -> float:
    """Accuracy on the last person of a model of the others."""
    rows, high, people, _ = table(root)
    train = people != "s04"
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=1000)).fit(rows[train], high[train])
    return float(model.score(rows[~train], high[~train]))


def test_simulated_ratings_are_in_the_signals_as_strongly_as_asked(simulated: Path, tmp_path: Path) -> None:
    assert score(simulated) > 0.75
    Dreamer().simulate(tmp_path / "none", subjects=4, seconds=14, strength=0)
    assert score(tmp_path / "none") < 0.65


def test_windows_of_a_simulated_trial_recognise_each_other_without_any_effect(tmp_path: Path) -> None:
    Dreamer().simulate(tmp_path, subjects=2, seconds=14, strength=0)
    rows, _, _, trials = table(tmp_path)
    nearest = NearestNeighbors(n_neighbors=1).fit(rows).kneighbors(return_distance=False)[:, 0]
    assert np.mean(trials[nearest] == trials) > 0.5, "36 trials of 3 windows: 0.02 by chance"


def test_simulated_files_say_so_and_are_the_same_again(simulated: Path, tmp_path: Path) -> None:
    assert Dreamer().card_of(simulated).access == "simulated"
    assert Dreamer().card_of(tmp_path).access == "gated"
    assert Dreamer().assumptions(simulated) == ["ratings from 1 to 5: above 3 is high, 3 is low (threshold=, ties=)"]
    Dreamer().simulate(tmp_path / "again", subjects=4, seconds=14)
    assert (tmp_path / "again" / "DREAMER.mat").read_bytes() == (simulated / "DREAMER.mat").read_bytes()


def test_the_twin_makes_its_files_and_reads_them(tmp_path: Path) -> None:
    twin = DreamerSim(subjects=1, seconds=12)
    root = twin.locate(tmp_path)
    assert twin.locate(tmp_path) == root
    assert twin.card.access == "simulated"
    assert twin.check(root) == []
    assert len([*twin.read(root, "s01")]) >= 18
