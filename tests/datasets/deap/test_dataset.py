import csv
import io
import itertools
import pickle
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmbench import DataError, SpecError
from mmbench.data.samples.targets import check_targets
from mmbench_datasets.deap import Deap
from mmbench_datasets.deap.labels import QUADRANTS, label
from mmbench_datasets.deap.recordings import load_recording
from mmbench_datasets.deap.windows import place_windows

RATINGS = "metadata_csv/participant_ratings.csv"
# The first window is filmed, the second is after the end of the six seconds of video.
SMALL = {"windows": 2, "frames": 2, "face_size": 24}


@pytest.fixture(scope="session")
def samples(simulated):
    return list(Deap(**SMALL, peripheral=True).read(simulated, "s01"))


def mean_colour(code):
    return np.asarray(Image.open(io.BytesIO(code)), float).mean(axis=(0, 1))


def test_ids_groups_and_spans(samples):
    assert [sample.id for sample in samples[:3]] == ["s01/e01/w00", "s01/e01/w01", "s01/e02/w00"]
    assert len({sample.id for sample in samples}) == len(samples) == 80
    assert samples[79].groups == {"subject": "s01", "trial": "s01/e40"}
    assert [sample.span for sample in samples[:2]] == [(0.0, 3.0), (57.0, 60.0)]


def test_default_windows_touch():
    starts = place_windows(Deap().options.window, Deap().options.windows)
    assert starts.tolist() == [3.0 * index for index in range(20)]


def test_signals_are_those_of_the_window(simulated, samples):
    data = load_recording(simulated / "data_preprocessed_python/s01.dat").data
    second = samples[1].data
    assert second["eeg"].shape == (1, 32, 384)
    assert second["eeg"].dtype == np.float32
    np.testing.assert_array_equal(second["eeg"][0], data[0, :32, 60 * 128 : 63 * 128].astype(np.float32))
    np.testing.assert_array_equal(samples[2].data["peripheral"][0], data[1, 32:, 384:768].astype(np.float32))


def test_labels_follow_the_ratings(simulated, samples):
    labels = load_recording(simulated / "data_preprocessed_python/s01.dat").labels
    quadrants = {(True, True): 0, (False, True): 1, (False, False): 2, (True, False): 3}
    for sample, row in zip(samples[::2], labels, strict=True):
        valence, arousal, dominance, liking = (int(value > 5) for value in row)
        # H or L arousal first: HALV is high arousal with low valence.
        assert sample.labels["quadrant"] == quadrants[bool(valence if arousal == valence else arousal), bool(valence)]
        assert sample.labels["quadrant"] == QUADRANTS.index(f"{'LH'[arousal]}A{'LH'[valence]}V")
        assert [sample.labels[task] for task in ("valence", "arousal", "dominance", "liking")] == [
            valence,
            arousal,
            dominance,
            liking,
        ]


def test_five_is_low():
    assert label(np.array([5.0, 5.0, 5.01, 9.0])) == {
        "quadrant": QUADRANTS.index("LALV"),
        "valence": 0,
        "arousal": 0,
        "dominance": 1,
        "liking": 1,
        "ratings": [5.0, 5.0, 5.01, 9.0],
    }


def test_samples_fit_the_schema(samples):
    schema = Deap(**SMALL, peripheral=True).schema()
    assert [modality.name for modality in schema.modalities] == ["eeg", "face", "peripheral"]
    assert len(schema.modality("eeg").channels) == 32
    assert next(iter(schema.tasks)) == "quadrant"
    for sample in samples:
        assert set(sample.labels) == set(schema.tasks)
        check_targets(sample, schema)
        ratings = dict(zip(schema.tasks["ratings"].names, sample.labels["ratings"], strict=True))
        assert {name: int(value > 5) for name, value in ratings.items()} == {
            name: sample.labels[name] for name in ratings
        }
        assert all(1 <= value <= 9 for value in ratings.values())
        for code in sample.data.get("face", ()):
            assert code is None or Image.open(io.BytesIO(code)).size == (24, 24)


def test_a_window_after_the_end_of_the_film_has_no_face(samples):
    assert all("face" not in sample.data for sample in samples[1::2])
    assert sum("face" in sample.data for sample in samples[::2]) > 20


def test_two_reads_are_equal(simulated, samples):
    again = Deap(**SMALL, peripheral=True).read(simulated, "s01")
    for one, other in itertools.islice(zip(samples, again, strict=True), 20):
        assert (one.id, one.labels, one.data.get("face")) == (other.id, other.labels, other.data.get("face"))
        assert np.array_equal(one.data["eeg"], other.data["eeg"])


def test_videos_are_matched_through_the_presentation_order(copy):
    """Each film is one colour, a code of its place in the order of presentation; no face is needed to see it."""
    root = copy()
    with (root / RATINGS).open(newline="") as file:
        trial_of = {int(row["Experiment_id"]): int(row["Trial"]) for row in csv.DictReader(file)}
    assert trial_of != {number: number for number in trial_of}
    from mmbench_datasets.deap.files import find_files
    from mmbench_datasets.deap.video_matching import match_videos

    labels = load_recording(root / "data_preprocessed_python/s01.dat").labels
    videos = match_videos(find_files(root), "s01", labels)
    assert {experiment: path.stem for experiment, path in videos.items()} == {
        experiment: f"s01_trial{trial:02d}" for experiment, trial in trial_of.items()
    }


def test_the_face_is_that_of_the_matched_video(copy, samples):
    """Replace one film: only the trial that the ratings map it to changes."""
    root = copy()
    with (root / RATINGS).open(newline="") as file:
        trial_of = {int(row["Experiment_id"]): int(row["Trial"]) for row in csv.DictReader(file)}
    with_face = [int(sample.groups["trial"][-2:]) for sample in samples if "face" in sample.data]
    changed = next(experiment for experiment in with_face if trial_of[experiment] != experiment)
    film = root / f"face_video/s01/s01_trial{trial_of[changed]:02d}.avi"
    film.unlink()
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 2.0, (720, 576))
    for _ in range(12):
        writer.write(np.zeros((576, 720, 3), np.uint8))
    writer.release()
    for old, new in zip(samples, Deap(**SMALL).read(root, "s01"), strict=True):
        if old.id == f"s01/e{changed:02d}/w00":
            assert "face" in old.data
            assert "face" not in new.data
        else:
            assert old.data.get("face") == new.data.get("face"), old.id


@pytest.mark.parametrize("faces", ["keep", "drop"])
def test_a_trial_without_a_video(copy, samples, faces):
    root = copy(*(f"face_video/s01/s01_trial{trial:02d}.avi" for trial in range(3, 41)))
    got = list(Deap(**SMALL, faces=faces).read(root, "s01"))
    filmed = [sample.id for sample in got if "face" in sample.data]
    assert 1 <= len(filmed) <= 2
    assert len(got) == (80 if faces == "keep" else len(filmed))


def test_without_any_video_only_signals_are_read(simulated, tmp_path):
    folder = tmp_path / "data_preprocessed_python"
    folder.mkdir()
    (folder / "s01.dat").symlink_to(simulated / "data_preprocessed_python/s01.dat")
    assert Deap(faces="drop").units(tmp_path) == []
    assert Deap().units(tmp_path) == ["s01"]
    assert all(set(sample.data) == {"eeg"} for sample in Deap(windows=1).read(tmp_path, "s01"))
    (problem,) = Deap().check(tmp_path)
    assert problem.message == "has no face videos"
    assert Deap(video=False).check(tmp_path) == []


def test_mat_equals_dat(simulated, tmp_path):
    from scipy.io import savemat

    recording = load_recording(simulated / "data_preprocessed_python/s01.dat")
    folder = tmp_path / "data_preprocessed_matlab"
    folder.mkdir()
    savemat(folder / "s01.mat", {"data": recording.data, "labels": recording.labels})
    dataset = Deap(windows=1, video=False)
    pairs = zip(dataset.read(tmp_path, "s01"), dataset.read(simulated, "s01"), strict=True)
    for mat, dat in pairs:
        assert (mat.id, mat.labels) == (dat.id, dat.labels)
        assert np.array_equal(mat.data["eeg"], dat.data["eeg"])


def test_check_is_content_with_whole_files(simulated):
    assert Deap().check(simulated) == []
    assert Deap().check(simulated / "face_video") == []
    assert Deap().check(simulated.parent) == []


def test_check_of_an_empty_folder_says_how_to_get_deap(tmp_path):
    for root in (tmp_path, tmp_path / "nowhere"):
        (problem,) = Deap().check(root)
        assert "no data_preprocessed_python/sNN.dat" in problem.message
        assert "licence agreement" in problem.remedy
        assert "deap-sim" in problem.remedy


def test_missing_ratings_are_reported_with_a_remedy(copy):
    root = copy(RATINGS)
    (problem,) = Deap().check(root)
    assert problem.path.endswith(RATINGS)
    assert "metadata_csv" in problem.remedy
    with pytest.raises(
        DataError, match=r"participant_ratings\.csv: is missing; it maps videos to trials — get metadata_csv"
    ):
        next(Deap().read(root, "s01"))
    assert next(Deap(video=False).read(root, "s01")).id == "s01/e01/w00"


def test_damaged_files_are_found_before_reading(copy, simulated):
    broken = ["data_preprocessed_python/s01.dat", "face_video/s01/s01_trial02.avi"]
    root = copy(*broken)
    for name in broken:
        with (simulated / name).open("rb") as file:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(file.read(20_000))
    problems = Deap().check(root)
    assert [Path(problem.path).name for problem in problems] == ["s01.dat", "s01_trial02.avi"]
    assert all("truncated" in problem.message for problem in problems)


def test_broken_links_are_reported(copy):
    broken = ["data_preprocessed_python/s01.dat", "face_video/s01/s01_trial02.avi"]
    root = copy(*broken)
    for name in broken:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(root / "nowhere")
    problems = Deap().check(root)
    assert [Path(problem.path).name for problem in problems] == ["s01.dat", "s01_trial02.avi"]
    assert "is a link to" in problems[0].message
    assert "is a link to" in problems[1].message


def test_a_cut_video_stops_reading_with_its_name(copy, simulated):
    names = [f"face_video/s01/s01_trial{trial:02d}.avi" for trial in range(1, 41)]
    root = copy(*names)
    (root / names[0]).parent.mkdir(parents=True)
    (root / names[0]).write_bytes((simulated / names[0]).read_bytes()[:9000])
    read = list(Deap(**SMALL).read(root, "s01"))
    errors = [error.line for error in read if isinstance(error, DataError)]
    assert len(errors) == SMALL["windows"]
    assert all("s01_trial01.avi: the video is truncated" in line for line in errors)
    (problem,) = Deap().check(root)
    assert problem.path.endswith("s01_trial01.avi")


def test_bad_trials_are_dropped_and_the_others_are_as_before(samples, simulated, tmp_path):
    recording = load_recording(simulated / "data_preprocessed_python/s01.dat")
    data, labels = recording.data.copy(), recording.labels.copy()
    data[6, 3, 100], labels[11, 1] = np.nan, 9.5
    folder = tmp_path / "deap" / "data_preprocessed_python"
    folder.mkdir(parents=True)
    (folder / "S01.DAT").write_bytes(pickle.dumps({"data": data, "labels": labels}, 2))
    for name in ("metadata_csv", "face_video"):
        (tmp_path / "deap" / name).symlink_to(simulated / name)
    dataset = Deap(**SMALL, peripheral=True)
    read = list(dataset.read(tmp_path / "deap", "s01"))
    errors = [sample.where for sample in read if isinstance(sample, DataError)]
    assert [where.rpartition(" ")[2] for where in errors] == ["7", "7", "12", "12"]
    good = {sample.id: sample for sample in read if not isinstance(sample, DataError)}
    assert set(good) == {sample.id for sample in samples} - {f"s01/e{e}/w0{w}" for e in ("07", "12") for w in (0, 1)}
    for sample in samples:
        if sample.id in good:
            assert np.array_equal(sample.data["eeg"], good[sample.id].data["eeg"])
            assert sample.data.get("face") == good[sample.id].data.get("face")


def test_unread_parameters_are_reported(simulated, tmp_path):
    root = tmp_path / "deap"
    shutil.copytree(simulated, root, symlinks=True, ignore=lambda *_: {"face_video"})
    (root / "data_original").mkdir()
    (root / "data_preprocessed_matlab").mkdir()
    (root / "data_preprocessed_matlab" / "s01.mat").touch()
    left_out = Deap(faces="drop").left_out(root)
    assert left_out == {
        "data_original": "source=preprocessed does not read it",
        "data_preprocessed_matlab/s01.mat": "data_preprocessed_python/s01.dat is read instead, which has another "
        "format and was not compared",
        "s01": "no face video, and faces=drop",
    }
    assert Deap(video=False).left_out(simulated) == {"face_video": "video=false does not read it"}


def test_a_converted_video_is_found_and_deaps_own_wins(copy):
    from mmbench_datasets.deap.files import find_files

    root = copy()
    folder = root / "face_video/s01"
    (folder / "s01_trial03.avi").rename(folder / "s01_trial03.mkv")
    (folder / "s01_trial04.mp4").touch()
    (folder / "s01_trial05.txt").touch()
    videos = find_files(root).videos_of("s01")
    assert list(videos) == list(range(1, 41))
    assert [videos[trial].suffix for trial in (3, 4, 5)] == [".mkv", ".avi", ".avi"]


def test_inferred_faces_are_marked(copy):
    """One film in which the person turns away after the first second."""
    from mmbench_datasets.shared.face_drawing import Appearance, Pose, draw_face

    root = copy(*(f"face_video/s01/s01_trial{trial:02d}.avi" for trial in range(1, 41)))
    film = root / "face_video/s01/s01_trial05.avi"
    film.parent.mkdir(parents=True)
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"XVID"), 1.0, (720, 576))
    look = Appearance((160, 170, 180), (150, 180, 220), (30, 40, 60), (90, 60, 40))
    for second in range(6):
        writer.write(draw_face(look, Pose(360, 280, is_away=second > 0)))
    writer.release()
    dataset = Deap(windows=20, frames=3, face_size=24)
    marks = [sample.inferred["face"].tolist() for sample in dataset.read(root, "s01") if sample.data.get("face")]
    assert marks == [[False, True, True]], "the second window has no face at all"
    assert not any(sample.inferred for sample in dataset.read(root, "s01") if "face" not in sample.data)


def test_sources_are_all_files_of_a_subject(simulated):
    names = [str(path.relative_to(simulated)) for path in Deap().sources(simulated, "s01")]
    assert names[:3] == ["data_preprocessed_python/s01.dat", RATINGS, "face_video/s01/s01_trial01.avi"]
    assert len(names) == 42
    assert len(Deap(video=False).sources(simulated, "s01")) == 1
    with pytest.raises(DataError, match="no signals of s02"):
        Deap().sources(simulated, "s02")


@pytest.mark.parametrize(
    "parameters",
    [{"window": 0.0}, {"window": 61.0}, {"window": 0.1}, {"windows": 0}, {"frames": 0}, {"face_size": 2}],
)
def test_impossible_parameters(parameters):
    with pytest.raises(SpecError, match=next(iter(parameters))):
        Deap(**parameters)
    with pytest.raises(SpecError, match="faces=drop"):
        Deap(faces="drop", video=False)


def test_importing_the_dataset_is_light():
    import subprocess

    code = (
        "import sys, mmbench_datasets.deap as deap; deap.Deap().schema(); "
        "print({'numpy', 'cv2', 'scipy', 'torch', 'joblib', 'mne', 'sklearn'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.strip() == "set()"
