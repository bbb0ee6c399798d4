"""Video files as a modality: frames at the rate of the description, damaged files, and a missing library."""

import importlib.util
import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmbench import DataError
from mmbench.builtin.datasets.folder import problems
from mmbench.builtin.datasets.folder.dataset import Folder
from mmbench.conformance import check_dataset
from mmbench.data.samples.validation import check_sample

RATE = 10.0


def film(path: Path, n_frames: int = 25, codec: str = "mp4v") -> None:
    """A video of 48 × 32 pixels at 10 frames a second, whose brightness is ten times the number of the frame."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), RATE, (48, 32))
    for at in range(n_frames):
        writer.write(np.full((32, 48, 3), 10 * at, np.uint8))
    writer.release()


def describe(folder: Path, rate: float = 1.0, size: int = 224) -> Path:
    found = Folder().describe(folder, groups={})
    assert found.questions == []
    text = found.text.replace("rate = 1.0", f"rate = {rate}").replace("[224, 224]", f"[{size}, {size}]")
    found.path.write_text(text, encoding="utf-8")
    return folder


def brightness(frame: bytes) -> float:
    return float(np.asarray(Image.open(io.BytesIO(frame))).mean())


def test_frames_are_taken_at_the_rate_of_the_description(tmp_path: Path) -> None:
    for name, n_frames in {"wave/a": 25, "wave/b": 11, "nod/c": 12}.items():
        film(tmp_path / f"{name}.mp4", n_frames)
    describe(tmp_path, rate=4.0, size=16)
    for check in check_dataset(Folder, tmp_path):
        check()
    schema = Folder().schema_of(tmp_path)
    (modality,) = schema.modalities
    assert (modality.kind, modality.shape, modality.rate) == ("video", (None, 3, 16, 16), 4.0)
    samples = {each.id: each for unit in Folder().units(tmp_path) for each in Folder().read(tmp_path, unit)}
    (clip,) = check_sample(samples["wave/a.mp4"], schema).data["video"]
    assert clip.times == [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.25]
    shown = [round(brightness(frame) / 10 + 0.3) for frame in clip.frames]  # the codec loses up to 0.7 of a step
    assert shown == [0, 2, 5, 7, 10, 12, 15, 17, 20, 22]
    assert Image.open(io.BytesIO(clip.frames[0])).size == (16, 16)
    assert [len(samples[name].data["video"][0].frames) for name in ("wave/b.mp4", "nod/c.mp4")] == [5, 5]
    (line,) = Folder().assumptions(tmp_path)
    assert "video (open, 3, 16, 16), 4 frames per second, scaled and cropped to 16 × 16 pixels" in line


def test_colours_are_in_order(tmp_path: Path) -> None:
    for name in ("wave/a", "nod/b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        writer = cv2.VideoWriter(str(tmp_path / f"{name}.avi"), cv2.VideoWriter.fourcc(*"MJPG"), RATE, (48, 32))
        writer.write(np.broadcast_to(np.array([0, 0, 250], np.uint8), (32, 48, 3)))  # OpenCV: blue, green, red
        writer.release()
    describe(tmp_path)
    unit = Folder().units(tmp_path)[0]
    sample, _ = Folder().read(tmp_path, unit)
    (frame,) = sample.data["video"][0].frames
    red, green, blue = np.asarray(Image.open(io.BytesIO(frame))).reshape(-1, 3).mean(axis=0)
    assert (red > 240, green < 10, blue < 10) == (True, True, True)


def test_videos_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    for name in ("wave/a", "wave/b", "nod/c", "nod/d"):
        film(tmp_path / f"{name}.mp4")
    (tmp_path / "wave/b.mp4").write_bytes((tmp_path / "wave/b.mp4").read_bytes()[:900])
    (tmp_path / "nod/d.mp4").write_text("no video at all")
    describe(tmp_path)
    read = [each for unit in Folder().units(tmp_path) for each in Folder().read(tmp_path, unit)]
    errors = [(Path(str(each.where)).name, each.message) for each in read if isinstance(each, DataError)]
    assert errors == [("d.mp4", "the video cannot be opened"), ("b.mp4", "the video is truncated")]


def test_without_opencv_the_remedy_is_said_before_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("wave/a", "nod/c"):
        film(tmp_path / f"{name}.mp4")
    describe(tmp_path)
    find = importlib.util.find_spec
    monkeypatch.setattr(problems, "find_spec", lambda name: None if name == "cv2" else find(name))
    (problem,) = Folder().check(tmp_path)
    assert problem.message == "video is video, which needs OpenCV"
    assert problem.remedy == 'pip install "mmbench[video]"'
