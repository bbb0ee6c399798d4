from pathlib import Path

import cv2
import numpy as np
import pytest

from mmbench import DataError, StorageError
from mmbench_datasets.shared.films import check_film, load_clip, write_film

SIZE = (64, 48)


def write(path: Path, n_frames: int = 40) -> None:
    """A film of ten frames a second whose brightness is five times their number."""
    write_film(path, (np.full((48, 64, 3), 5 * index, np.uint8) for index in range(n_frames)), 10.0, SIZE)


@pytest.mark.parametrize("suffix", [".flv", ".mp4", ".avi"])
def test_a_clip_has_the_frame_shown_at_each_time(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"film{suffix}"
    write(path)
    clip = load_clip(path, 4.0)
    assert list(clip.times) == [index / 4 for index in range(16)]
    frames = [cv2.imdecode(np.frombuffer(frame, np.uint8), cv2.IMREAD_COLOR) for frame in clip.frames]
    assert [frame.shape for frame in frames] == [(48, 64, 3)] * 16
    # These codecs lose up to 0.7 of a step of brightness.
    assert [round(float(frame.mean()) / 5 + 0.4) for frame in frames] == [int(2.5 * index) for index in range(16)]


@pytest.mark.parametrize("suffix", [".flv", ".mp4", ".avi"])
@pytest.mark.parametrize("lost", [20, 0.3, 0.9])
def test_a_film_that_was_cut_is_named(tmp_path: Path, suffix: str, lost: float) -> None:
    path = tmp_path / f"film{suffix}"
    write(path)
    content = path.read_bytes()
    path.write_bytes(content[: -int(lost if lost > 1 else lost * len(content))])
    for read in (check_film, lambda path: load_clip(path, 1.0)):
        with pytest.raises(DataError, match="the video is truncated") as caught:
            read(path)
        assert caught.value.where == str(path)


def test_an_flv_that_ends_in_something_else_is_not_cut(tmp_path: Path) -> None:
    path = tmp_path / "film.flv"
    write(path)
    path.write_bytes(path.read_bytes() + bytes(100))
    check_film(path)


def test_a_film_without_frames_is_named(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    write(path, 0)
    with pytest.raises(DataError, match=r"film\.mp4"):
        load_clip(path, 1.0)


def test_a_film_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written as a video"):
        write(tmp_path / "nowhere" / "film.avi")
