import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmbench import DataError, Sample, SpecError
from mmbench_datasets.ravdess import Ravdess, RavdessSim
from mmbench_datasets.ravdess.simulate import _FACES, _VOICES

CLIP = "01-04-01-02-01-02"
SOUND, FILM = f"Actor_02/03-{CLIP}.wav", f"Actor_02/02-{CLIP}.mp4"


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two statements with eight emotions by two actors."""
    folder = tmp_path_factory.mktemp("simulated") / "ravdess"
    Ravdess().simulate(folder, subjects=2)
    return folder


@pytest.fixture
def root(tmp_path: Path, simulated: Path) -> Path:
    """The same files, to be damaged."""
    return Path(shutil.copytree(simulated, tmp_path / "ravdess"))


def read(root: Path, dataset: Ravdess | None = None) -> list[Sample]:
    dataset = dataset or Ravdess()
    found = [sample for unit in dataset.units(root) for sample in dataset.read(root, unit)]
    return [sample for sample in found if isinstance(sample, Sample)]


def test_a_sample_is_a_clip_with_the_numbers_of_its_name(root: Path) -> None:
    assert Ravdess().check(root) == []
    assert Ravdess().units(root) == ["01", "02"]
    samples = {sample.id: sample for sample in read(root)}
    assert len(samples) == 2 * 2 * 8
    sample = samples[CLIP]
    assert sample.groups == {"subject": "02", "statement": "02"}
    assert Ravdess().schema().tasks["emotion"].names[sample.labels["emotion"]] == "sad"  # type: ignore[index]
    assert sample.split is None
    assert sample.data["speech"] == [(root / SOUND).read_bytes()]
    assert len(sample.data["video"][0].frames) >= 2


def test_files_are_found_in_the_folders_of_the_archives(root: Path) -> None:
    before = [sample.id for sample in read(root)]
    for path in sorted(root.rglob("0?-*")):
        kind = "Audio_Speech_Actors_01-24" if path.suffix == ".wav" else f"Video_Speech_{path.parent.name}"
        target = root / "downloads" / kind / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    assert Ravdess().check(root) == []
    assert [sample.id for sample in read(root)] == before


def test_a_film_with_sound_stands_in_for_one_without(root: Path) -> None:
    before = [sample.data["video"][0].frames for sample in read(root)]
    for film in root.rglob("02-*.mp4"):
        shutil.copy(film, film.with_name(f"01{film.name[2:]}"))
    assert len(Ravdess().left_out(root)) == 32 + 1
    assert all(path.name[:2] != "01" for path in Ravdess().sources(root, "02"))
    for film in root.rglob("02-*.mp4"):
        film.unlink()
    assert Ravdess().check(root) == []
    assert [sample.data["video"][0].frames for sample in read(root)] == before


def test_a_second_copy_is_left_out_by_name(root: Path) -> None:
    copy = root / "copies" / SOUND
    copy.parent.mkdir(parents=True)
    shutil.copy(root / SOUND, copy)
    assert Ravdess().left_out(root)[f"copies/{SOUND}"] == f"{SOUND} is read instead"
    assert len(read(root)) == 32


def test_songs_are_read_where_they_are_wanted(root: Path) -> None:
    for path in (root / SOUND, root / FILM):
        shutil.copy(path, path.with_name(f"{path.name[:3]}02{path.name[5:]}"))
    song = f"02{CLIP[2:]}"
    assert song not in {sample.id for sample in read(root)}
    assert Ravdess().left_out(root)[f"Actor_02/03-{song}.wav"] == "channel=speech does not read it"
    assert [sample.id for sample in read(root, Ravdess(channel="song"))] == [song]
    assert len(read(root, Ravdess(channel="both"))) == 33


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("stream", [SOUND, FILM])
@pytest.mark.parametrize(("damage", "message"), [(truncate, "truncated"), (os.unlink, "is missing")])
def test_a_damaged_file_is_named_and_costs_one_sample(root: Path, stream: str, damage, message: str) -> None:
    path = root / stream
    damage(path)
    (problem,) = Ravdess().check(root)
    assert (problem.path, problem.concerns) == (str(path), "sample")
    assert message in problem.message
    outcomes = list(Ravdess().read(root, "02"))
    (error,) = (outcome for outcome in outcomes if isinstance(outcome, DataError))
    assert error.where == str(path)
    assert len(outcomes) == 16


def test_sound_alone_is_read_without_films(root: Path) -> None:
    for film in root.rglob("*.mp4"):
        film.unlink()
    (problem,) = Ravdess().check(root)
    assert problem.message.startswith("has no file of video for any clip, such as Actor_01/02-01-01-01-01-01-01.mp4")
    assert problem.remedy.endswith("alone with modalities=speech")
    assert Ravdess(modalities="speech").check(root) == []
    assert len(read(root, Ravdess(modalities="speech"))) == 32


@pytest.mark.parametrize(
    ("options", "archives"),
    [
        ({}, "Audio_Speech_Actors_01-24.zip and Video_Speech_Actor_01.zip to 24 from"),
        ({"channel": "song"}, "Audio_Song_Actors_01-24.zip and Video_Song_Actor_01.zip to 24 from"),
        (
            {"channel": "both", "modalities": "speech"},
            "Audio_Speech_Actors_01-24.zip and Audio_Song_Actors_01-24.zip from",
        ),
    ],
)
def test_the_archives_of_the_options_are_named(tmp_path: Path, options: dict[str, Any], archives: str) -> None:
    (problem,) = Ravdess(**options).check(tmp_path)
    assert f"get {archives} https" in problem.remedy
    assert problem.remedy == Ravdess(**options).access_instructions()


def test_the_files_of_the_channel_are_named(tmp_path: Path) -> None:
    (problem,) = Ravdess(channel="song").check(tmp_path)
    assert problem.message == "holds no 03-02-*.wav and 02-02-*.mp4"


@pytest.mark.parametrize("name", ["03-01-09-01-01-01-01.wav", "03-01-01-01-01-01-25.wav", "03-01-01-01-01-01.wav"])
def test_a_name_with_other_numbers_is_not_a_clip(root: Path, name: str) -> None:
    (root / name).write_bytes(b"RIFF")
    assert len(read(root)) == 32
    assert Ravdess().check(root) == []


def test_a_folder_that_is_not_there_or_empty(tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        (problem,) = Ravdess().check(folder)
        assert problem.path == str(folder)
        assert "zenodo.org" in problem.remedy


def test_counts_are_of_people_clips_and_classes(root: Path) -> None:
    counts = Ravdess().counts(root)
    assert (counts["people"], counts["clips"], counts["calm"]) == (2, 32, 4)


@pytest.mark.parametrize("options", [{"subjects": 25}, {"subjects": 1, "repetitions": 3}])
def test_simulations_that_cannot_be(tmp_path: Path, options: dict[str, int]) -> None:
    with pytest.raises(SpecError, match=r"ravdess\.simulate"):
        Ravdess().simulate(tmp_path / "none", **options)


def test_no_two_simulated_emotions_look_and_sound_alike() -> None:
    assert len(set(zip(_VOICES, _FACES, strict=True))) == len(Ravdess.emotions)


def test_simulated_voices_tell_the_emotion_in_the_strength_that_is_set(tmp_path: Path) -> None:
    """A bright voice has more of its power above 1 kHz: its share correlates with the expression only with strength."""
    correlations = {}
    for strength in (1.0, 0.0):
        folder = tmp_path / str(strength)
        Ravdess().simulate(folder, subjects=6, strength=strength)
        samples = read(folder, Ravdess(modalities="speech"))
        sounds = [np.frombuffer(sample.data["speech"][0][44:], "<i2").astype(float) for sample in samples]
        power = [np.abs(np.fft.rfft(sound, 1 << 15)) ** 2 for sound in sounds]
        share = [each[2048:].sum() / each.sum() for each in power]
        voices = [_VOICES[sample.labels["emotion"]] for sample in samples]  # type: ignore[index]
        correlations[strength] = abs(np.corrcoef(share, voices)[0, 1])
    assert correlations[1.0] > 0.4
    assert correlations[0.0] < 0.2


def test_the_twin_is_made_once_and_called_simulated(tmp_path: Path) -> None:
    twin = RavdessSim(subjects=1, modalities="speech")
    home = twin.locate(tmp_path)
    assert twin.locate(tmp_path) == home
    assert twin.card_of(home).access == "simulated"
    assert len(read(home, twin)) == 16


def test_missing_people_are_told(root: Path) -> None:
    assert len(Ravdess().assumptions(root)) == 1, "a simulation may have any size"
    (root / "SIMULATED.json").unlink()
    assert Ravdess().assumptions(root)[1] == "2 of the 24 actors"
    assert Ravdess(channel="song").assumptions(root)[1] == "0 of the 23 actors"
