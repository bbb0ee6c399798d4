import io
import os
import shutil
import wave
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from mmbench import Clip, DataError, Sample, SpecError, audit_split
from mmbench_datasets.cremad import Cremad, CremadSim
from mmbench_datasets.cremad.layout import EMOTIONS, FIELDS, OGM_GE, load_split

CLIP = "1002_WSI_SAD_XX"


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sentences with six emotions by two actors."""
    folder = tmp_path_factory.mktemp("simulated") / "cremad"
    Cremad().simulate(folder, subjects=2, sentences=2)
    return folder


@pytest.fixture
def root(tmp_path: Path, simulated: Path) -> Path:
    """The same files, to be damaged."""
    return Path(shutil.copytree(simulated, tmp_path / "cremad"))


def read(root: Path, dataset: Cremad | None = None) -> list[Sample]:
    dataset = dataset or Cremad()
    found = [sample for unit in dataset.units(root) for sample in dataset.read(root, unit)]
    return [sample for sample in found if isinstance(sample, Sample)]


def decode_sound(content: bytes) -> NDArray[np.float64]:
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768


def decode_frame(content: bytes) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR))


def test_a_sample_is_a_clip_with_the_fields_of_its_name(root: Path) -> None:
    assert Cremad().check(root) == []
    assert Cremad().units(root) == ["1001", "1002"]
    samples = {sample.id: sample for sample in read(root)}
    assert len(samples) == 2 * 2 * 6
    sample = samples[CLIP]
    assert sample.groups == {"subject": "1002", "sentence": "WSI"}
    assert [*EMOTIONS][sample.labels["emotion"]] == "SAD"  # type: ignore[call-overload]
    assert Cremad().schema().tasks["emotion"].names == ("neutral", "happy", "sad", "fear", "disgust", "anger")
    assert sample.data["speech"] == [(root / "AudioWAV" / f"{CLIP}.wav").read_bytes()]


def test_frames_are_those_of_the_film_at_the_rate(root: Path) -> None:
    """The film has ten frames a second: at 5 a second every other frame is read, in order."""
    (sample,) = (sample for sample in read(root, Cremad(rate=5.0)) if sample.id == CLIP)
    (clip,) = sample.data["video"]
    assert isinstance(clip, Clip)
    capture = cv2.VideoCapture(str(root / "VideoFlash" / f"{CLIP}.flv"))
    frames = []
    while (grabbed := capture.read())[0]:
        frames.append(grabbed[1])
    assert list(clip.times) == pytest.approx(np.arange(len(frames[::2])) / 5)
    for coded, frame in zip(clip.frames, frames[::2], strict=True):
        np.testing.assert_array_equal(decode_frame(coded), frame)


@pytest.mark.parametrize("modality", ["speech", "video"])
def test_one_modality_can_be_read_alone(root: Path, modality) -> None:
    other = "VideoFlash" if modality == "speech" else "AudioWAV"
    dataset = Cremad(modalities=modality)
    assert [each.name for each in dataset.schema().modalities] == [modality]
    assert f"{other}/*" in dataset.left_out(root)
    shutil.rmtree(root / other)
    assert dataset.check(root) == []
    assert {tuple(sample.data) for sample in read(root, dataset)} == {(modality,)}


@pytest.mark.parametrize(("folder", "missing"), [("AudioWAV", "speech"), ("VideoFlash", "video")])
def test_a_whole_modality_that_is_missing_is_one_problem(root: Path, folder: str, missing: str) -> None:
    shutil.rmtree(root / folder)
    (problem,) = Cremad().check(root)
    assert problem.message.startswith(f"has no file of {missing} for any clip, such as {folder}/1001_TSI_ANG_XX.")
    assert " alone with modalities=" in problem.remedy


def test_films_may_be_converted(root: Path) -> None:
    """A clip whose film is there twice is read from the published format."""
    before = read(root)
    for film in (root / "VideoFlash").iterdir():
        shutil.copy(film, film.with_suffix(".MP4"))
    assert len(read(root)) == len(before)
    assert all(path.suffix != ".MP4" for path in Cremad().sources(root, "1001"))
    for film in (root / "VideoFlash").glob("*.flv"):
        film.unlink()
    assert Cremad().check(root) == []
    assert [sample.id for sample in read(root)] == [sample.id for sample in before]


def test_a_folder_in_another_case_is_found(root: Path) -> None:
    (root / "AudioWAV").rename(root / "audiowav")
    assert Cremad().check(root) == []
    assert len(read(root)) == 24


def test_the_folders_are_found_one_folder_down(root: Path, tmp_path: Path) -> None:
    shutil.move(root, tmp_path / "all" / "CREMA-D")
    dataset = Cremad(modalities="speech")
    assert dataset.check(tmp_path / "all") == []
    assert len(read(tmp_path / "all", dataset)) == 24
    assert "CREMA-D/VideoFlash/*" in dataset.left_out(tmp_path / "all")


def test_a_modality_that_is_left_out_is_named_by_its_folder(root: Path) -> None:
    (root / "VideoFlash").rename(root / "videoflash")
    assert "videoflash/*" in Cremad(modalities="speech").left_out(root)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def leave_a_pointer(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")


def link_to_nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def write_text(path: Path) -> None:
    path.write_text("not found " * 100)


@pytest.mark.parametrize("stream", ["AudioWAV/{}.wav", "VideoFlash/{}.flv"])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate, "truncated"),
        (empty, "is empty"),
        (leave_a_pointer, "is a pointer of Git LFS"),
        (os.unlink, "is missing"),
        (link_to_nowhere, "is a link to nowhere, which does not exist"),
    ],
)
def test_a_damaged_file_is_named_and_costs_one_sample(root: Path, stream: str, damage, message: str) -> None:
    path = root / stream.format(CLIP)
    damage(path)
    (problem,) = Cremad().check(root)
    assert (problem.path, problem.concerns) == (str(path), "sample")
    assert message in problem.message
    assert problem.remedy
    outcomes = list(Cremad().read(root, "1002"))
    (error,) = (outcome for outcome in outcomes if isinstance(outcome, DataError))
    assert error.where == str(path)
    assert len(outcomes) == 12


@pytest.mark.parametrize(
    ("stream", "message"),
    [("AudioWAV/{}.wav", "is not a WAV file"), ("VideoFlash/{}.flv", "the video cannot be opened")],
)
def test_a_file_of_something_else_is_named(root: Path, stream: str, message: str) -> None:
    path = root / stream.format(CLIP)
    write_text(path)
    (error,) = (outcome for outcome in Cremad().read(root, "1002") if isinstance(outcome, DataError))
    assert (error.where, message in error.message) == (str(path), True)
    (problem,) = Cremad().check(root)
    assert (problem.path, problem.message) == (str(path), error.message)


def test_a_folder_that_is_not_there_or_empty(tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        (problem,) = Cremad().check(folder)
        assert problem.path == str(folder)
        assert "github.com" in problem.remedy


def test_the_folders_of_the_modalities_are_named(tmp_path: Path) -> None:
    (problem,) = Cremad(modalities="speech").check(tmp_path)
    assert problem.message == "holds no AudioWAV/ACTOR_SENTENCE_EMOTION_LEVEL.wav"
    assert problem.remedy.startswith("get AudioWAV with git lfs")
    assert problem.remedy == Cremad(modalities="speech").access_instructions()


def test_a_name_of_another_dataset_is_not_a_clip(root: Path) -> None:
    for name in ("03-01-05-01-01-01-01.wav", "1001_XYZ_ANG_XX.wav", "1001_DFA_ANG_XX_2.wav", "2001_DFA_ANG_XX.wav"):
        (root / "AudioWAV" / name).write_bytes(b"RIFF")
    assert Cremad().check(root) == []
    assert len(read(root)) == 24


def test_faulty_clips_are_left_out_by_name_unless_they_are_wanted(root: Path) -> None:
    faulty = "1076_MTI_SAD_XX"
    for stream, suffix in (("AudioWAV", "wav"), ("VideoFlash", "flv")):
        shutil.copy(root / stream / f"{CLIP}.{suffix}", root / stream / f"{faulty}.{suffix}")
    assert "1076" not in Cremad().units(root)
    assert "has no sound" in Cremad().left_out(root)[f"AudioWAV/{faulty}.wav"]
    assert Cremad(faulty="keep").units(root)[-1] == "1076"
    assert f"AudioWAV/{faulty}.wav" not in Cremad(faulty="keep").left_out(root)


def test_the_official_split_is_that_of_the_list(root: Path) -> None:
    assert {sample.id: sample.split for sample in read(root)} == {
        name: part
        for name, part in load_split().items()
        if name[:8] in ("1001_TSI", "1001_WSI", "1002_TSI", "1002_WSI")
    }
    parts = [*load_split().values()]
    assert (parts.count("train"), parts.count("test")) == (6698, 744)
    assert all(FIELDS.fullmatch(name) for name in load_split())


def test_the_official_split_tests_actors_and_sentences_of_the_training_part() -> None:
    result = audit_split(OGM_GE, from_name="(?P<actor>[0-9]+)_(?P<sentence>[A-Z]+)_.*")
    shared = {" and ".join(overlap.groups): overlap.shared for overlap in result.overlaps}
    assert shared == {"actor": 744, "sentence": 744, "actor and sentence": 744}


def test_counts_are_of_people_clips_and_classes(root: Path) -> None:
    counts = Cremad().counts(root)
    assert (counts["people"], counts["clips"], counts["fear"]) == (2, 24, 4)


@pytest.mark.parametrize("options", [{"rate": 0.0}, {"rate": float("nan")}, {"size": 4}])
def test_options_that_make_no_sense(options) -> None:
    with pytest.raises(SpecError, match="cremad"):
        Cremad(**options)


@pytest.mark.parametrize(
    "options", [{"subjects": 92}, {"subjects": 1, "sentences": 0}, {"subjects": 1, "sentences": 13}]
)
def test_simulations_that_cannot_be(tmp_path: Path, options: dict[str, int]) -> None:
    with pytest.raises(SpecError, match=r"cremad\.simulate"):
        Cremad().simulate(tmp_path / "none", **options)
    assert not (tmp_path / "none").exists()


def features(sample: Sample) -> dict[str, NDArray[np.float64]]:
    """The course of the spectrum of the sound, and the mean frame in grey."""
    sound = decode_sound(sample.data["speech"][0])
    power = [np.abs(np.fft.rfft(part, 8192)[:4096]) ** 2 for part in np.array_split(sound, 2)]
    bands = [np.log(part.reshape(64, -1).mean(axis=1) + 1e-6) for part in power]
    frames = [cv2.cvtColor(decode_frame(frame), cv2.COLOR_BGR2GRAY) for frame in sample.data["video"][0].frames]
    small = cv2.resize(np.mean(frames, axis=0), (30, 24), interpolation=cv2.INTER_AREA)
    return {"speech": np.concatenate(bands), "video": small.ravel() / 64}


def score(samples: list[Sample], *streams: str) -> float:
    """Accuracy of a logistic regression on an unseen actor, relative to the mean of each actor."""
    made = [features(sample) for sample in samples]
    x = np.stack([np.concatenate([each[stream] for stream in streams]) for each in made])
    y = np.array([sample.labels["emotion"] for sample in samples])
    who = np.array([sample.groups["subject"] for sample in samples])
    for name in set(who):
        x[who == name] -= x[who == name].mean(axis=0)
    right = []
    for name in sorted(set(who)):
        model = LogisticRegression(C=0.03, max_iter=2000).fit(x[who != name], y[who != name])
        right.append(model.score(x[who == name], y[who == name]))
    return float(np.mean(right))


def test_the_simulated_modalities_add_up(tmp_path: Path) -> None:
    Cremad().simulate(tmp_path / "with", subjects=8, sentences=2)
    Cremad().simulate(tmp_path / "without", subjects=8, sentences=2, strength=0)
    assert Cremad().card_of(tmp_path / "with").access == "simulated"
    samples, unrelated = read(tmp_path / "with"), read(tmp_path / "without")
    single = [score(samples, stream) for stream in ("speech", "video")]
    assert min(single) > 0.24
    assert score(samples, "speech", "video") > max(single) + 0.05
    assert score(unrelated, "speech", "video") < 0.3


def test_the_twin_is_made_once_and_called_simulated(tmp_path: Path) -> None:
    twin = CremadSim(subjects=1, sentences=1)
    home = twin.locate(tmp_path)
    assert twin.locate(tmp_path) == home
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [home.name]
    assert (twin.card.access, twin.card_of(home).title) == (
        "simulated",
        f"Simulated, in the files of: {Cremad.card.title}",
    )
    assert len(read(home, twin)) == 6
    assert CremadSim(subjects=1, sentences=1, strength=0.5).locate(tmp_path) != home


def test_missing_people_and_clips_of_the_official_split_are_told(root: Path) -> None:
    assert len(Cremad().assumptions(root)) == 2, "a simulation may have any size"
    (root / "SIMULATED.json").unlink()
    for path in (*root.glob("AudioWAV/1002*"), *root.glob("VideoFlash/1002*")):
        path.unlink()
    parts = [load_split()[name] for name in Cremad().find_clips(root)]
    lines = Cremad().assumptions(root)
    assert "1 of the 91 actors" in lines
    assert lines[-1] == (
        f"{parts.count('train')} of the 6,698 training clips and {parts.count('test')} of the 744 test clips of the "
        "official split are here"
    )


def test_an_actor_that_there_is_not_is_a_problem(root: Path) -> None:
    path = root / "AudioWAV" / f"{CLIP}.wav"
    path = path.rename(path.with_name(path.name.replace("1002", "1095")))
    (problem,) = Cremad().check(root)
    assert problem.path == str(path)
    assert problem.message == "is of actor 1095, where CREMA-D has the actors 1001 to 1091"
