"""Reads the frames of a video at given times, by their time stamps."""

import struct
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mmbench.errors import DataError, PluginError

Frame = NDArray[np.uint8]
"""An image (height, width, 3) in OpenCV's order: blue, green, red."""

_REMEDY = "copy or download the video again"
# Containers round their duration; a video that ends earlier than this before its declared end is truncated.
_SLACK_S = 1.0
_MAX_LENGTH_S = 7 * 24 * 3600.0
# A frame is shown for at most this long; after that, frames are missing.
_HELD_S = 1.0
# Matroska rounds all time stamps to a millisecond.
_ROUNDING_S = 1.1e-3
# Assumed where a video does not declare its rate; used only for the duration of the last frame.
_USUAL_RATE = 25.0
_EPSILON = 1e-6  # as a fraction of the time between two frames


def is_video_truncated(path: Path) -> bool:
    """Whether an AVI, MP4, MOV or FLV file is shorter than its headers declare; only the headers are read."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
        if len(head) < 8:
            return True
        if head[:4] == b"RIFF":
            return size < int(struct.unpack("<I", head[4:])[0]) + 8
        if head[:3] == b"FLV":
            return any(end > size for end in _find_tag_ends(file))
        return _is_mp4(head) and any(end > size for end in _find_box_ends(file))


def _is_mp4(head: bytes) -> bool:
    return head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")


def _find_box_ends(file: BinaryIO) -> Iterator[int]:
    """Declared end (bytes) of each top-level box of an MP4 or MOV file."""
    at = 0
    while True:
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            if head:
                yield at + 8
            return
        size = int(struct.unpack(">I", head[:4])[0])
        if size == 1 and len(head) == 16:
            size = int(struct.unpack(">Q", head[8:])[0])
        if size < 8:  # 0: up to the end of the file
            return
        at += size
        yield at


def _find_tag_ends(file: BinaryIO) -> Iterator[int]:
    """Declared end (bytes) of each tag of an FLV file, up to something that is no tag."""
    file.seek(5)
    at = int.from_bytes(file.read(4), "big") + 4  # each tag is after the length of the one before, four bytes
    while True:
        file.seek(at)
        head = file.read(11)
        if not head or head[0] & 0x1F not in (8, 9, 18):  # sound, picture, script
            return
        at += 11 + int.from_bytes(head[1:4], "big")
        yield at
        at += 4


def iter_video_frames(path: Path, times: Sequence[float], *, remedy: str = _REMEDY) -> Iterator[tuple[int, Frame]]:
    """Yield the index into ``times`` (s since the first frame, ascending) and the frame shown at that time.

    A frame is uint8 ``(height, width, 3)`` in the order blue, green, red. Times after the end of a video, or more than
    a second after the frame before them, yield nothing. Raises DataError, with the ``remedy``, where the file is
    truncated, cannot be decoded or has no valid time stamps; PluginError without OpenCV.
    """
    with _opened(path, remedy) as video:
        yield from video.frames_at(deque(enumerate(times)))


def sample_video_frames(path: Path, rate: float, *, remedy: str = _REMEDY) -> Iterator[tuple[float, Frame]]:
    """Yield the times 0, 1 / ``rate``, 2 / ``rate`` ... (s since the first frame) and the frame shown at each.

    Frames and errors are those of `iter_video_frames`; DataError also where the file does not declare its length.
    """
    with _opened(path, remedy) as video:
        times = [at / rate for at in range(video.count_steps(rate))]
        for place, frame in video.frames_at(deque(enumerate(times))):
            yield times[place], frame


@contextmanager
def _opened(path: Path, remedy: str) -> "Iterator[_Video]":
    cv2 = _load_opencv()
    if is_video_truncated(path):
        raise DataError("the video is truncated", where=path, remedy=remedy)
    video = _Video(path, remedy)
    try:
        yield video
    except cv2.error as error:
        reason = " ".join(str(error).split())[:120]
        raise DataError(f"OpenCV cannot decode the video ({reason})", where=path, remedy=remedy) from error
    finally:
        video.close()


def _load_opencv() -> Any:
    """The library OpenCV; PluginError where it is not installed."""
    try:
        import cv2
    except ImportError as error:
        raise PluginError(
            f"videos need the package opencv-python-headless, which cannot be loaded ({error})",
            where="cv2",
            remedy='pip install "mmbench[video]"',
        ) from error
    return cv2


@dataclass
class _TimedFrame:
    """A frame and its start time (s); ``picture`` is None until it is needed."""

    index: int
    start: float
    picture: Frame | None


class _Video:
    """A video decoded once from start to end, and again only for a frame that was not expected to be needed."""

    def __init__(self, path: Path, remedy: str) -> None:
        import cv2

        self._path = path
        self._remedy = remedy
        self._capture = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise self._error("cannot be opened")
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self._rate = rate if 0 < rate < 1000 else _USUAL_RATE
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._declared = count / rate if count > 0 and rate > 0 else 0.0
        self._length = self._declared
        with path.open("rb") as file:
            head = file.read(8)
        self._is_avi = head[:4] == b"RIFF"
        if _is_mp4(head):
            self._declared = 0.0  # also counts frames that an edit list leaves out
        self._held = max(_HELD_S, 1 / self._rate)

    def close(self) -> None:
        """Release the file."""
        self._capture.release()

    def count_steps(self, rate: float) -> int:
        """How many times at ``rate`` the declared length holds, and a second more."""
        if not 0 < self._length < _MAX_LENGTH_S:
            raise self._error("does not declare its length", "convert it to MP4")
        return int((self._length + _SLACK_S) * rate) + 1

    def frames_at(self, wanted: deque[tuple[int, float]]) -> Iterator[tuple[int, Frame]]:
        """Index and frame for each pair of index and time in ``wanted``, which is consumed."""
        frame: _TimedFrame | None = None
        gap = longest = 1 / self._rate  # between two frames
        for index, start in enumerate(self._grab()):
            if frame:
                yield from self._take(wanted, frame, start)
                gap = min(start - frame.start, self._held)
                longest = max(longest, gap)
            if not wanted:
                return
            # Conversion is slow: only frames expected to be shown at a wanted time are converted.
            is_near = wanted[0][1] < start + 1.5 * longest
            frame = _TimedFrame(index, start, self._retrieve(self._capture, index) if is_near else None)
        if frame:
            end = frame.start + max(gap, 1 / self._rate)
            yield from self._take(wanted, frame, end)
            self._check_end(wanted, frame.index + 1, end)
        elif wanted:
            raise self._error("has no frames")

    def _take(self, wanted: deque[tuple[int, float]], frame: _TimedFrame, stop: float) -> Iterator[tuple[int, Frame]]:
        """Consume all times before ``stop``, the end of ``frame``; yield those at which it was shown."""
        epsilon = _EPSILON / self._rate
        while wanted and wanted[0][1] < stop - epsilon:
            place, time = wanted.popleft()
            if frame.start - epsilon <= time < frame.start + self._held:
                frame.picture = self._fetch(frame.index) if frame.picture is None else frame.picture
                yield place, frame.picture

    def _grab(self) -> Iterator[float]:
        """Start time of each frame, in s since the first one; each step decodes one frame.

        AVI has no time stamps: the index of a frame in the file stands for them. Where the decoding order differs
        from the display order (B-frames), each frame has the index of a later one, and the last ones have none.
        """
        import cv2

        index, start, delay = 0, -1.0, 0.0
        while self._capture.grab():
            stamp = self._on_grid(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
            if index == 0:
                self._declared -= self._offset(stamp)
                delay = stamp if self._is_avi else 0.0
            after = stamp - delay if stamp or not delay else start + 1 / self._rate
            if not after > start:
                raise self._error(f"has no valid time stamp for frame {index + 1}", "convert it to a constant rate")
            start = after
            yield start
            index += 1

    def _on_grid(self, stamp: float) -> float:
        """The time stamp, with the rounding of the container undone where the rate is constant."""
        exact = round(stamp * self._rate) / self._rate
        return exact if abs(stamp - exact) < _ROUNDING_S else stamp

    def _offset(self, first: float) -> float:
        """Time (s) of the first frame on the container's clock; 0 with OpenCV before 4.11, which does not report it."""
        import cv2

        if not hasattr(cv2, "CAP_PROP_PTS"):
            return 0.0
        return max(0.0, self._capture.get(cv2.CAP_PROP_PTS) / self._rate - first)

    def _check_end(self, wanted: deque[tuple[int, float]], n_frames: int, end: float) -> None:
        """Raise DataError if wanted frames are declared by the file but missing."""
        if wanted and end < self._declared - _SLACK_S:
            raise self._error(f"ends after {n_frames} frames, at {end:.1f} of {self._declared:.1f} s")

    def _fetch(self, index: int) -> Frame:
        """An earlier frame, by decoding the file again."""
        import cv2

        again = cv2.VideoCapture(str(self._path))
        try:
            if not all(again.grab() for _ in range(index + 1)):
                raise self._error(f"has no frame {index + 1}")
            return self._retrieve(again, index)
        finally:
            again.release()

    def _retrieve(self, capture: Any, index: int) -> Frame:
        ok, picture = capture.retrieve()
        if not ok:
            raise self._error(f"has a damaged frame: number {index + 1} cannot be decoded")
        return np.asarray(picture, np.uint8)

    def _error(self, message: str, remedy: str = "") -> DataError:
        return DataError(f"the video {message}", where=self._path, remedy=remedy or self._remedy)
