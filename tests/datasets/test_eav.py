import io
import os
import shutil
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import loadmat, savemat
from sklearn.linear_model import LogisticRegression

from mmbench import DataError, Sample, SpecError
from mmbench.data import Preparation, prepare
from mmbench.registry import Spec
from mmbench_datasets.eav import Eav, EavSim
from mmbench_datasets.eav.layout import CONDITIONS, EMOTIONS


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten trials of two people."""
    folder = tmp_path_factory.mktemp("simulated") / "eav"
    Eav().simulate(folder, subjects=2, trials=10)
    return folder


@pytest.fixture
def root(tmp_path: Path, simulated: Path) -> Path:
    """The same files, to be damaged."""
    return Path(shutil.copytree(simulated, tmp_path / "eav"))


def read(root: Path, **params: Any) -> list[Sample]:
    dataset = Eav(**params)
    found = [sample for unit in dataset.units(root) for sample in dataset.read(root, unit)]
    return [sample for sample in found if isinstance(sample, Sample)]


def labels_of(root: Path, person: int = 1) -> NDArray[np.floating]:
    found: NDArray[np.floating] = loadmat(root / f"subject{person}" / "EEG" / f"subject{person}_eeg_label.mat")["label"]
    return found


def change_mat(path: Path, key: str, edit: Callable[[NDArray[Any]], Any]) -> None:
    """Edit the array of a MATLAB file."""
    savemat(path, {key: edit(loadmat(path)[key])})


def sound_of(root: Path, number: int, person: int = 1) -> Path:
    return next((root / f"subject{person}" / "Audio").glob(f"{number:03d}_*"))


def film_of(root: Path, number: int, person: int = 1) -> Path:
    return next((root / f"subject{person}" / "Video").glob(f"{number:03d}_*"))


def test_a_sample_is_a_window_of_a_trial_of_speaking(root: Path) -> None:
    assert Eav().check(root) == []
    assert Eav().units(root) == ["subject01", "subject02"]
    samples = read(root)
    assert [sample.id for sample in samples[:5]] == [*(f"subject01/002/{at}" for at in range(4)), "subject01/004/0"]
    assert len(samples) == 2 * 5 * 4
    labels = labels_of(root)
    for sample in samples[:20]:
        number = int(sample.id.split("/")[1])
        row = int(labels[:, number - 1].argmax())
        assert (CONDITIONS[row % 2], row // 2) == ("speaking", sample.labels["emotion"])
        assert EMOTIONS[row // 2].title() in sound_of(root, number).name
        assert sample.groups == {"subject": "subject01", "trial": f"subject01/{number:03d}"}
    assert samples[3].span == (15.0, 20.0)


def test_the_three_modalities_of_a_window_are_of_the_same_seconds(root: Path) -> None:
    sample = read(root, eeg_rate=500)[2]
    eeg = loadmat(root / "subject1" / "EEG" / "subject1_eeg.mat")["seg1"]
    np.testing.assert_allclose(sample.data["eeg"][0], eeg[5000:7500, :, 1].T, rtol=1e-5, atol=1e-4)
    with wave.open(io.BytesIO(sample.data["speech"][0])) as piece, wave.open(str(sound_of(root, 2))) as whole:
        assert (piece.getframerate(), piece.getnframes()) == (16000, 80000)
        whole.setpos(160000)
        assert piece.readframes(80000) == whole.readframes(80000)
    (clip,) = sample.data["video"]
    assert list(clip.times) == pytest.approx(np.arange(10) / 2)
    (whole_clip,) = read(root, window=20.0)[0].data["video"]
    assert list(clip.frames) == list(whole_clip.frames)[20:30]


def test_the_eeg_is_resampled_without_aliases(root: Path) -> None:
    """A rhythm of 70 Hz, above half of 100 Hz, is gone; one of 10 Hz stays."""
    time = np.arange(10000) / 500
    for rhythm, kept in ((70.0, False), (10.0, True)):
        wave_form = np.sin(2 * np.pi * rhythm * time)[:, None, None] * np.ones((1, 30, 10))
        change_mat(root / "subject1" / "EEG" / "subject1_eeg.mat", "seg1", lambda _, made=wave_form: made)
        sample = read(root, speech=False, video=False)[1]
        assert sample.data["eeg"].shape == (1, 30, 500)
        assert (float(sample.data["eeg"].std()) > 0.6) == kept


@pytest.mark.parametrize("condition", ["listening", "both"])
def test_listening_has_no_speech(root: Path, condition: str) -> None:
    samples = read(root, condition=condition)
    assert len(samples) == (20 if condition == "listening" else 40) * 2
    names = [modality.name for modality in Eav(condition=condition).schema().modalities]  # type: ignore[arg-type]
    assert ("speech" in names) == (condition == "both")
    for sample in samples:
        is_listening = int(sample.id.split("/")[1]) % 2 == 1
        assert ("speech" in sample.data) == (not is_listening)
        assert {"eeg", "video"} <= set(sample.data)


def test_modalities_can_be_left_out_and_names_are_labels_without_eeg(root: Path) -> None:
    with_eeg = [(sample.id, sample.labels, sample.split) for sample in read(root)]
    shutil.rmtree(root / "subject1" / "EEG")
    shutil.rmtree(root / "subject2" / "EEG")
    assert Eav(eeg=False).check(root) == []
    assert [(sample.id, sample.labels, sample.split) for sample in read(root, eeg=False)] == with_eeg
    assert {tuple(sample.data) for sample in read(root, eeg=False, video=False)} == {("speech",)}


def test_names_that_contradict_the_labels_are_a_problem(root: Path) -> None:
    film = film_of(root, 4)
    emotion = next(name for name in EMOTIONS if name.title() not in film.name)
    sound_of(root, 4).unlink()
    other = film.with_name(f"004_Trial_02_Speaking_{emotion.title()}.mp4")
    film.rename(other)
    (problem,) = Eav().check(root)
    assert problem.path == str(other)
    assert problem.message.startswith("subject1_eeg_label.mat says of trial 4: speaking, ")


def test_two_files_of_a_trial_are_a_problem_of_their_person(root: Path) -> None:
    film = film_of(root, 4)
    other = film.with_name(film.name.replace("Trial_02", "Trial_03"))
    shutil.copy(film, other)
    (problem,) = Eav().check(root)
    assert problem.message.startswith("is another file of trial 4")
    assert other in Eav().sources(root, "subject01")
    assert Eav().units(root) == ["subject01", "subject02"]
    assert Eav().counts(root)["trials"] == 5, "of the other person"


def test_a_modality_without_files_is_one_problem(root: Path) -> None:
    shutil.rmtree(root / "subject1" / "Video")
    (problem,) = Eav().check(root)
    assert (problem.path, problem.concerns) == (str(root / "subject1" / "Video"), "sample")
    assert problem.message == "has no file of video"
    shutil.rmtree(root / "subject2" / "Video")
    (problem,) = Eav().check(root)
    assert (problem.path, problem.concerns) == (str(root), "dataset")
    assert problem.message == "has no file of video for any trial, in subject1/Video or the like"
    assert problem.remedy.endswith("video=false")


def test_the_folder_of_the_people_may_be_one_folder_down(root: Path, tmp_path: Path) -> None:
    shutil.move(root, tmp_path / "all" / "EAV-2024")
    assert Eav().check(tmp_path / "all") == []
    shutil.copytree(tmp_path / "all" / "EAV-2024", tmp_path / "all" / "copy")
    (problem,) = Eav().check(tmp_path / "all")
    assert problem.message == "has the files in several folders: EAV-2024, copy"


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_a_truncated_eeg_is_a_problem_of_its_person(root: Path) -> None:
    path = root / "subject1" / "EEG" / "subject1_eeg.mat"
    path.write_bytes(path.read_bytes()[:100_000])
    (problem,) = Eav().check(root)
    assert (problem.path, problem.message) == (str(path), "is truncated or damaged (it ends too early)")
    assert problem.remedy.endswith("mmbench run ... --bad drop")
    with pytest.raises(DataError, match="is truncated or damaged"):
        list(Eav().read(root, "subject01"))


@pytest.mark.parametrize("find", [sound_of, film_of])
@pytest.mark.parametrize(("damage", "message"), [(truncate, "truncated"), (os.unlink, "is missing")])
def test_a_damaged_sound_or_film_costs_one_trial(root: Path, find, damage, message: str) -> None:
    path = find(root, 6)
    damage(path)
    (problem,) = Eav().check(root)
    assert problem.concerns == "sample"
    assert Path(problem.path).name[:3] == "006"
    assert message in problem.message
    outcomes = list(Eav().read(root, "subject01"))
    assert len([outcome for outcome in outcomes if isinstance(outcome, DataError)]) == 1
    assert len(outcomes) == 4 * 4 + 1


def test_values_that_are_not_finite_cost_one_trial(root: Path) -> None:
    def edit(eeg: NDArray[Any]) -> NDArray[Any]:
        eeg[77, 3, 5] = np.nan
        return eeg

    change_mat(root / "subject1" / "EEG" / "subject1_eeg.mat", "seg1", edit)
    (error,) = (outcome for outcome in Eav().read(root, "subject01") if isinstance(outcome, DataError))
    assert (error.message, str(error.where)[-7:]) == ("has NaN or infinite values", "trial 6")


def test_a_sound_that_ends_early_is_missing_from_the_windows_after_it(root: Path) -> None:
    path = sound_of(root, 2)
    with wave.open(str(path)) as file:
        params, content = file.getparams(), file.readframes(16000 * 12)
    with wave.open(str(path), "wb") as file:
        file.setparams(params)
        file.writeframes(content)
    assert ["speech" in sample.data for sample in read(root)[:4]] == [True, True, False, False]


@pytest.mark.parametrize(
    ("name", "key", "edit", "message"),
    [
        ("_eeg_label", "label", lambda x: x[:9], "'label' has the shape (9, 10), not (10, trials)"),
        ("_eeg_label", "label", lambda x: x * 2, "'label' does not name one class of each trial"),
        ("_eeg_label", "label", lambda x: x * 0, "'label' does not name one class of each trial"),
        ("_eeg", "seg1", lambda x: x[:, :, :9], "has an EEG of the shape (10000, 30, 9), not (10000, 30, 10)"),
        ("_eeg", "seg1", lambda x: x[:, :29], "has an EEG of the shape (10000, 29, 10), not (10000, 30, 10)"),
        ("_eeg", "seg1", lambda x: x.transpose(1, 0, 2), "has an EEG of the shape (30, 10000, 10), not (10000, 30"),
    ],
)
def test_arrays_of_another_shape_are_named(root: Path, name: str, key: str, edit, message: str) -> None:
    path = root / "subject1" / "EEG" / f"subject1{name}.mat"
    change_mat(path, key, edit)
    with pytest.raises(DataError) as caught:
        list(Eav().read(root, "subject01"))
    assert caught.value.where == str(path)
    assert caught.value.message.startswith(message)
    (problem,) = Eav().check(root)
    assert (problem.path, problem.message) == (str(path), caught.value.message)


def test_the_other_name_of_the_array_is_read(root: Path) -> None:
    """Some files have ``seg``, and an empty ``seg1``."""
    before = read(root, speech=False, video=False)[0].data["eeg"]
    path = root / "subject1" / "EEG" / "subject1_eeg.mat"
    savemat(path, {"seg1": np.zeros((0, 0)), "seg": loadmat(path)["seg1"]})
    np.testing.assert_array_equal(read(root, speech=False, video=False)[0].data["eeg"], before)


@pytest.mark.parametrize("name", ["_eeg", "_eeg_label"])
@pytest.mark.parametrize(
    ("damage", "message"), [(os.unlink, "is missing"), (lambda path: path.write_text("<html>"), "is an HTML page")]
)
def test_a_person_without_eeg_is_named(root: Path, name: str, damage, message: str) -> None:
    path = root / "subject1" / "EEG" / f"subject1{name}.mat"
    damage(path)
    (problem,) = Eav().check(root)
    assert (problem.path, problem.concerns) == (str(path), "dataset")
    assert message in problem.message
    if damage is os.unlink:
        assert problem.remedy.startswith("get it from https://doi.org")
    if name == "_eeg_label":
        assert len(list(Eav().read(root, "subject02"))) == 20, "the other person can be read"


@pytest.mark.parametrize("name", ["_eeg", "_eeg_label"])
@pytest.mark.parametrize("damage", [os.unlink, lambda path: path.write_text("<html>")])
def test_a_person_with_damaged_files_can_be_left_out(root: Path, name: str, damage) -> None:
    damage(root / "subject1" / "EEG" / f"subject1{name}.mat")
    spec = Spec("eav", {"speech": False, "video": False})
    with pytest.raises(DataError, match=f"subject1{name}"):
        prepare(Preparation(spec, root, root.parent / "cache"))
    store = prepare(Preparation(spec, root, root.parent / "cache", bad="drop"))
    assert {str(name)[:9] for name in store.ids} == {"subject02"}
    assert len(store.ids) == 20


def test_folders_may_be_numbered_with_two_digits(root: Path) -> None:
    before = [sample.id for sample in read(root)]
    (root / "subject1").rename(root / "Subject01")
    assert Eav().check(root) == []
    assert [sample.id for sample in read(root)] == before
    shutil.copytree(root / "subject2", root / "subject02")
    (problem,) = Eav().check(root)
    assert problem.message.startswith("is the person subject02, as is subject")


def test_a_folder_that_is_not_there_or_empty(tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        (problem,) = Eav().check(folder)
        assert problem.path == str(folder)
        assert "zenodo" in problem.remedy


def test_the_official_split_halves_the_trials_of_each_emotion(tmp_path: Path) -> None:
    Eav().simulate(tmp_path, subjects=1, trials=20)
    parts: dict[Any, list[str]] = {}
    for sample in read(tmp_path, eeg=False, video=False, window=20.0, condition="both"):
        parts.setdefault((sample.labels["emotion"], int(sample.id.split("/")[1]) % 2), []).append(str(sample.split))
    assert len(parts) == 10
    assert all(found == ["train", "test"] for found in parts.values())


def test_counts_are_of_people_trials_windows_and_classes(root: Path) -> None:
    counts = Eav().counts(root)
    assert (counts["people"], counts["trials"], counts["windows"], counts["trials of anger"]) == (2, 10, 40, 2)


@pytest.mark.parametrize(
    "options",
    [
        {"eeg": False, "speech": False, "video": False},
        {"eeg": False, "video": False, "condition": "listening"},
        {"eeg_rate": 300},
        {"eeg_rate": 0},
        {"window": 0.0},
        {"window": 30.0},
        {"window": 0.333},
        {"window": float("nan")},
        {"rate": 0.0},
        {"size": 1},
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="eav"):
        Eav(**options)


@pytest.mark.parametrize("options", [{"subjects": 43}, {"subjects": 1, "trials": 15}, {"subjects": 1, "trials": 0}])
def test_simulations_that_cannot_be(tmp_path: Path, options: dict[str, int]) -> None:
    with pytest.raises(SpecError, match=r"eav\.simulate"):
        Eav().simulate(tmp_path / "none", **options)


def band_power(sample: Sample) -> NDArray[np.floating]:
    """Logarithm of the power at 10 and 20 Hz, ``(60,)``."""
    power = np.abs(np.fft.rfft(sample.data["eeg"][0], axis=1)) ** 2
    return np.log(np.concatenate([power[:, 45:56].sum(axis=1), power[:, 95:106].sum(axis=1)]))


@pytest.fixture(scope="module")
def eeg_alone(tmp_path_factory: pytest.TempPathFactory) -> dict[float, list[Sample]]:
    """Windows of two people by strength."""
    found = {}
    for strength in (1.0, 0.0):
        folder = tmp_path_factory.mktemp("eeg")
        Eav().simulate(folder, subjects=2, trials=40, strength=strength)
        found[strength] = read(folder, speech=False, video=False)
    return found


def test_the_simulated_eeg_tells_the_emotion_of_unseen_trials_in_the_strength_that_is_set(eeg_alone) -> None:
    scores = {}
    for strength, samples in eeg_alone.items():
        x, y = np.stack(list(map(band_power, samples))), np.array([sample.labels["emotion"] for sample in samples])
        is_test = np.array([sample.split == "test" for sample in samples])
        model = LogisticRegression(C=0.1, max_iter=2000).fit(x[~is_test], y[~is_test])
        scores[strength] = model.score(x[is_test], y[is_test])
    assert scores[1.0] > 0.38
    assert scores[0.0] < 0.35


def test_windows_of_a_simulated_trial_are_recognised_whatever_the_strength(eeg_alone) -> None:
    for samples in eeg_alone.values():
        x = np.stack(list(map(band_power, samples)))
        distance = ((x[:, None] - x[None]) ** 2).sum(axis=-1)
        np.fill_diagonal(distance, np.inf)
        trials = np.array([sample.groups["trial"] for sample in samples])
        assert (trials[distance.argmin(axis=1)] == trials).mean() > 0.8


def test_the_twin_is_made_once_and_called_simulated(tmp_path: Path) -> None:
    twin = EavSim(subjects=1, trials=10, eeg=False, video=False)
    home = twin.locate(tmp_path)
    assert twin.locate(tmp_path) == home
    assert twin.card_of(home).access == "simulated"
    assert len(list(twin.read(home, "subject01"))) == 20


def test_an_eeg_of_matlabs_format_7_3_is_a_problem(root: Path) -> None:
    path = root / "subject1" / "EEG" / "subject1_eeg.mat"
    path.write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512, b"\0"))
    (problem,) = Eav().check(root)
    assert (problem.path, problem.remedy) == (
        str(path),
        "save it with -v7, or leave it out: mmbench run ... --bad drop",
    )
    assert problem.message == "is in MATLAB's format 7.3, which is not read here"


def test_missing_people_are_told(root: Path) -> None:
    assert not any("people" in line for line in Eav().assumptions(root)[1:]), "a simulation may have any size"
    (root / "SIMULATED.json").unlink()
    assert Eav().assumptions(root)[-1] == "2 of EAV's 42 people"
