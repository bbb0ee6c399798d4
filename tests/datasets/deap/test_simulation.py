import csv
import hashlib
import io
import pickle
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GroupKFold, KFold, LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmbench import DataError, SpecError, StorageError
from mmbench_datasets.deap import Deap, DeapSim
from mmbench_datasets.deap.layout import EEG_CHANNELS, SIMULATED_MARK, is_filmed
from mmbench_datasets.deap.simulate.folder import make_once, write_simulation
from mmbench_datasets.deap.simulate.options import Simulation
from mmbench_datasets.deap.simulate.ratings import make_ratings
from mmbench_datasets.deap.simulate.signals import simulate_eeg
from mmbench_datasets.shared.face_videos import FaceVideo, draw_frames, write_video
from mmbench_datasets.shared.faces import FaceDetector, crop_face


def files(root):
    return {str(path.relative_to(root)): path for path in sorted(root.rglob("*")) if path.is_file()}


def test_signals_are_pickled_as_deap_pickles_them(simulated):
    content = pickle.loads((simulated / "data_preprocessed_python/s01.dat").read_bytes(), encoding="latin1")
    assert {key: (value.shape, value.dtype.str) for key, value in content.items()} == {
        "labels": ((40, 4), "<f8"),
        "data": ((40, 40, 8064), "<f8"),
    }
    assert content["labels"].min() >= 1
    assert content["labels"].max() <= 9
    assert content["data"].std(axis=2).min() > 0


def test_eeg_is_average_referenced_and_band_limited():
    eeg = simulate_eeg(0, 1, 1, 0.5, -0.5)
    assert eeg.shape == (32, 8064)
    assert np.linalg.matrix_rank(np.cov(eeg)) == 31
    assert 3 < eeg.std() < 30
    power = (np.abs(np.fft.rfft(eeg)) ** 2).mean(axis=0)
    frequencies = np.fft.rfftfreq(8064, 1 / 128)
    assert power[(frequencies < 4) | (frequencies >= 45)].sum() < 1e-9 * power.sum()


def test_ratings_file(simulated):
    with (simulated / "metadata_csv/participant_ratings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["Trial"]) for row in rows] == list(range(1, 41))
    experiments = [int(row["Experiment_id"]) for row in rows]
    assert sorted(experiments) == list(range(1, 41))
    assert experiments != sorted(experiments)
    assert all(row["Familiarity"] for row in rows)
    assert not any(make_ratings(0, 2).familiarity)


def test_each_person_has_an_order_and_ratings_of_their_own():
    one, other = make_ratings(0, 1), make_ratings(0, 2)
    assert (one.trials != other.trials).any()
    assert (one.ratings != other.ratings).any()
    counts = np.unique(one.ratings[:, :2] > 5, axis=0, return_counts=True)[1]
    assert counts.tolist() == [10, 10, 10, 10]


def test_the_films_that_deap_lacks():
    assert sum(is_filmed(person, trial) for person in range(1, 33) for trial in range(1, 41)) == 874
    missing = {(p, t) for p in range(1, 23) for t in range(1, 41) if not is_filmed(p, t)}
    assert missing == {(3, 40), (5, 40), (14, 40), (11, 38), (11, 39), (11, 40)}


def test_films_have_deaps_size_and_some_frames_without_a_face(tmp_path):
    import cv2

    path = tmp_path / "film.avi"
    write_video(path, FaceVideo(0, 1, 1, 0.0, 0.0, 5.0, 2.0))
    capture = cv2.VideoCapture(str(path))
    size = [capture.get(what) for what in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS)]
    assert [*size, capture.get(cv2.CAP_PROP_FRAME_COUNT)] == [720, 576, 5, 10]
    capture.release()
    finder = FaceDetector()
    found = [
        finder.find(frame) is not None
        for trial in range(1, 9)
        for frame in draw_frames(FaceVideo(0, 1, trial, 0.0, 0.0, 0.25, 60.0))
    ]
    assert 0.8 < np.mean(found) < 1


def test_the_same_seed_gives_the_same_bytes(simulated, tmp_path):
    Deap().simulate(tmp_path / "again", subjects=1, seed=3, fps=2.0, seconds=6.0)
    hashes = [
        {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files(root).items()}
        for root in (simulated, tmp_path / "again")
    ]
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) == 1 + 1 + 1 + 40


def test_another_seed_or_strength_gives_other_signals():
    one = simulate_eeg(0, 1, 1, 0.5, 0.5)
    assert not np.allclose(one, simulate_eeg(1, 1, 1, 0.5, 0.5))
    assert not np.allclose(one, simulate_eeg(0, 1, 1, 0.0, 0.0))


def test_a_simulation_is_resumed_and_never_mixed(simulated, monkeypatch):
    before = {name: path.stat().st_mtime_ns for name, path in files(simulated).items()}
    options = {"subjects": 1, "seed": 3, "fps": 2.0, "seconds": 6.0}
    film = simulated / "face_video/s01/s01_trial07.avi"
    content = film.read_bytes()
    film.unlink()
    write_simulation(simulated, Simulation(**options))
    after = {name: path.stat().st_mtime_ns for name, path in files(simulated).items()}
    assert film.read_bytes() == content
    assert [name for name in before if before[name] != after[name]] == ["face_video/s01/s01_trial07.avi"]
    with pytest.raises(DataError, match="simulated with other options"):
        write_simulation(simulated, Simulation(**options, strength=0.5))


def test_films_may_be_left_out(simulated, tmp_path):
    options = {"subjects": 1, "seed": 3, "fps": 2.0, "seconds": 6.0}
    write_simulation(tmp_path, Simulation(**options, films=False))
    filmed, unfilmed = files(simulated), files(tmp_path)
    assert not any(name.startswith("face_video") for name in unfilmed)
    for name in ("data_preprocessed_python/s01.dat", "metadata_csv/participant_ratings.csv"):
        assert unfilmed[name].read_bytes() == filmed[name].read_bytes()
    assert "films" not in Simulation(**options).describe()
    with pytest.raises(DataError, match="simulated with other options"):
        write_simulation(tmp_path, Simulation(**options))


def test_the_simulated_twin_makes_films_where_they_are_seen():
    assert [DeapSim(video=video).simulation.films for video in (True, False)] == [True, False]


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "precious.dat").write_bytes(b"real")
    with pytest.raises(DataError, match="is neither empty nor a simulation"):
        Deap().simulate(tmp_path, subjects=1)
    assert list(files(tmp_path)) == ["precious.dat"]


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="choose a folder you may write to"):
        Deap().simulate(tmp_path / "file" / "deap", subjects=1)


@pytest.mark.parametrize(
    "options", [{"subjects": 0}, {"subjects": 33}, {"subjects": 1, "strength": -1.0}, {"subjects": 1, "seed": -1}]
)
def test_impossible_options(tmp_path, options):
    with pytest.raises(SpecError, match="is outside"):
        Deap().simulate(tmp_path, **options)


def test_made_once_and_whole_or_not_at_all(tmp_path, monkeypatch):
    from mmbench_datasets.deap.simulate import folder

    made = []

    def stop(root, simulation):
        root.mkdir(exist_ok=True)
        made.append(root)
        if len(made) == 1:
            raise KeyboardInterrupt
        (root / SIMULATED_MARK).touch()

    monkeypatch.setattr(folder, "write_simulation", stop)
    with pytest.raises(KeyboardInterrupt):
        make_once(tmp_path, "deap-sim", Simulation(subjects=1))
    homes = [make_once(tmp_path, "deap-sim", Simulation(subjects=1)) for _ in range(2)]
    assert len(made) == 2
    assert homes[0] == homes[1]
    assert (homes[0] / SIMULATED_MARK).is_file()
    assert make_once(tmp_path, "deap-sim", Simulation(subjects=1, seed=1)) != homes[0]


def test_the_small_twin_is_read_like_deap(simulated):
    twin = DeapSim(windows=1)
    assert twin.card.access == "simulated"
    assert twin.schema().modality("face").shape == (3, 64, 64)
    sample = next(twin.read(simulated, "s01"))
    assert sample.data["eeg"].shape == (1, 32, 384)
    with pytest.raises(SpecError, match="subjects=40"):
        DeapSim(subjects=40)


# What the signals tell, without files: three windows of each of forty trials of four people.
PEOPLE, WINDOWS = range(1, 5), (400, 3000, 6000)


def eeg_features(strength, participant, row, scores):
    eeg = simulate_eeg(0, participant, row + 1, *(strength * scores))
    frequencies = np.fft.rfftfreq(384, 1 / 128)
    for start in WINDOWS:
        power = np.abs(np.fft.rfft(eeg[:, start : start + 384])) ** 2
        bands = [
            power[:, (frequencies >= low) & (frequencies < high)].mean(1)
            for low, high in ((4, 8), (8, 14), (14, 31), (31, 45))
        ]
        yield np.log(np.concatenate(bands))


def face_features(strength, participant, row, scores):
    finder = FaceDetector()
    film = FaceVideo(0, participant, row + 1, *(strength * scores), fps=0.05, seconds=60.0)
    for frame in draw_frames(film):
        box = finder.find(frame)
        code = None if box is None else crop_face(frame, box, 48)
        pixels = Image.open(io.BytesIO(code)).resize((16, 16)) if code else np.full((16, 16, 3), 128)
        yield np.asarray(pixels, float).ravel()


def accuracy(features, strength, alpha):
    """Balanced accuracy across people, and with the windows of each person shuffled."""
    x, y, people = [], [], []
    for participant in PEOPLE:
        truth = make_ratings(0, participant)
        for row, (scores, ratings) in enumerate(zip(truth.scores, truth.ratings, strict=True)):
            x += list(features(strength, participant, row, scores))
            y += [int(ratings[0] > 5) + 2 * int(ratings[1] > 5)] * 3
            people += [participant] * 3
    x, y, people = np.array(x), np.array(y), np.array(people)
    model = make_pipeline(StandardScaler(), RidgeClassifier(alpha))
    honest = balanced_accuracy_score(y, cross_val_predict(model, x, y, cv=LeaveOneGroupOut(), groups=people))
    folds = KFold(5, shuffle=True, random_state=0)
    shuffled = [
        np.mean(cross_val_predict(model, x[people == who], y[people == who], cv=folds) == y[people == who])
        for who in PEOPLE
    ]
    return honest, float(np.mean(shuffled))


def evoked_features(strength, participant, row, scores):
    """Windows that start with a second, averaged over seconds: band power is random in them."""
    eeg = simulate_eeg(0, participant, row + 1, *(strength * scores), power=0.0)
    for second in (9, 28, 48):
        yield eeg[:, 128 * second : 128 * (second + 3)].reshape(32, 3, 128).mean(1).ravel()


def arousal_by(features, strength):
    """Balanced accuracy of arousal across people."""
    x, y, people = [], [], []
    for participant in PEOPLE:
        truth = make_ratings(0, participant)
        for row, scores in enumerate(truth.scores):
            x += list(features(strength, participant, row, scores))
            y += [int(scores[1] > 0)] * 3
            people += [participant] * 3
    model = make_pipeline(StandardScaler(), RidgeClassifier(3000.0))
    return balanced_accuracy_score(y, cross_val_predict(model, np.array(x), y, cv=LeaveOneGroupOut(), groups=people))


def test_evoked_responses_tell_arousal_to_what_is_linear_in_the_waveform():
    assert arousal_by(evoked_features, 1.0) > 0.65
    assert 0.4 < arousal_by(evoked_features, 0.0) < 0.6


def test_each_effect_has_a_strength_of_its_own():
    def eeg(**effects):
        return simulate_eeg(0, 1, 1, 0.5, 0.8, **effects)

    assert not np.allclose(eeg(), eeg(power=0.0))
    assert not np.allclose(eeg(), eeg(evoked=0.0))
    expressions = [
        next(draw_frames(FaceVideo(0, 1, 1, strength * 0.8, 0.0, fps=0.05, seconds=60.0))) for strength in (0.0, 1.0)
    ]
    assert not np.array_equal(*expressions)


def test_neighbouring_electrodes_record_almost_the_same():
    near, far = [], []
    for experiment in range(1, 11):
        found = np.corrcoef(simulate_eeg(0, 1, experiment, 0.5, -0.5))
        near.append(found[EEG_CHANNELS.index("Fp1"), EEG_CHANNELS.index("AF3")])
        far.append(abs(found[EEG_CHANNELS.index("F3"), EEG_CHANNELS.index("F4")]))
    assert 0.8 < np.mean(near) < 0.95
    assert np.mean(far) < 0.5


@pytest.mark.parametrize("features", [eeg_features, face_features])
def test_label_strength_is_as_configured_and_the_fingerprint_leaks(features):
    honest, _ = accuracy(features, 1.0, 1000.0)
    assert 0.35 < honest < 0.8
    chance, leaked = accuracy(features, 0.0, 10.0)
    assert 0.15 < chance < 0.37
    assert leaked > 0.7


def test_held_out_trials_are_at_chance_without_signal():
    truth = make_ratings(0, 1)
    x = [row for trial, scores in enumerate(truth.scores) for row in eeg_features(0.0, 1, trial, scores)]
    y = np.repeat((truth.ratings[:, 0] > 5).astype(int), 3)
    model = make_pipeline(StandardScaler(), RidgeClassifier(100.0))
    predicted = cross_val_predict(model, np.array(x), y, cv=GroupKFold(8), groups=np.repeat(np.arange(40), 3))
    assert abs(balanced_accuracy_score(y, predicted) - 0.5) < 0.25


def test_a_video_of_half_the_height_shows_the_same(tmp_path):
    import cv2

    film = FaceVideo(0, 1, 1, 0.4, 0.2, fps=0.2, seconds=10.0)
    whole, half = (list(draw_frames(replace(film, height=height))) for height in (576, 288))
    assert [frame.shape for frame in half] == [(288, 360, 3)] * len(whole)
    for large, small in zip(whole, half, strict=True):
        shrunk = cv2.resize(large, (360, 288), interpolation=cv2.INTER_AREA)
        assert np.abs(shrunk.astype(float) - small).mean() < 3
    Deap().simulate(tmp_path / "deap", subjects=1, fps=0.5, seconds=2.0, height=288)
    capture = cv2.VideoCapture(str(tmp_path / "deap/face_video/s01/s01_trial01.avi"))
    assert capture.get(cv2.CAP_PROP_FRAME_HEIGHT) == 288
    with pytest.raises(SpecError, match="height=100 is outside 144-576"):
        Deap().simulate(tmp_path / "other", subjects=1, height=100)
