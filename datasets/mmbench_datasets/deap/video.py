"""Frames of a face video at given times: each is the one whose time stamp says that it is shown then."""

import struct
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError

Frame = NDArray[np.uint8]
"""One picture, (height, width, 3), blue first as OpenCV has it."""

AGAIN = "copy or download the video again, or remove it: its trial is then without a face"
# Containers round their length; a video that stops earlier than this before its announced end was cut off.
_SLACK_S = 1.0
# A frame stands for what follows it for so long; after that, nothing was filmed.
_HELD_S = 1.0
# Matroska rounds time stamps to a millisecond, that of the first frame, too.
_ROUNDING_S = 1.1e-3
# Of a video that does not tell its rate; it only matters for how long the last frame is shown.
_USUAL_RATE = 25.0
_EPSILON = 1e-6  # of the time between two frames


def is_truncated(path: Path) -> bool:
    """Whether an AVI, MP4 or MOV file is shorter than its own headers say; reads nothing else."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
        if len(head) < 8:
            return True
        if head[:4] == b"RIFF":
            return size < int(struct.unpack("<I", head[4:])[0]) + 8
        return _is_mp4(head) and any(end > size for end in _find_box_ends(file))


def _is_mp4(head: bytes) -> bool:
    return head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")


def _find_box_ends(file: BinaryIO) -> Iterator[int]:
    """Where each box at the top of an MP4 or MOV file says that it ends."""
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


def iter_frames(path: Path, times: Sequence[float]) -> Iterator[tuple[int, Frame]]:
    """Yield the place in ``times`` (s since the first frame, ascending) and the frame shown then.

    Nothing is yielded for times after the end of a video, nor for those more than a second after the last frame before
    them, where some were lost. Raises DataError when the file is truncated, cannot be decoded, or does not tell times.
    """
    import cv2

    if is_truncated(path):
        raise DataError("the video is truncated", where=path, remedy=AGAIN)
    film = _Film(path)
    try:
        yield from film.show(deque(enumerate(times)))
    except cv2.error as error:
        reason = " ".join(str(error).split())[:120]
        raise DataError(f"OpenCV cannot decode the video ({reason})", where=path, remedy=AGAIN) from error
    finally:
        film.close()


@dataclass
class _Shot:
    """A frame and when it begins to be shown; its picture is None until it is needed."""

    index: int
    start: float
    picture: Frame | None


class _Film:
    """A video that is decoded once from start to end, and again only for a frame that was not thought to be needed."""

    def __init__(self, path: Path) -> None:
        import cv2

        self._path = path
        self._capture = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise self._error("cannot be opened")
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self._rate = rate if 0 < rate < 1000 else _USUAL_RATE
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._announced = count / rate if count > 0 and rate > 0 else 0.0
        with path.open("rb") as file:
            head = file.read(8)
        self._is_avi = head[:4] == b"RIFF"
        if _is_mp4(head):
            self._announced = 0.0  # counts frames that an edit list may leave out
        self._held = max(_HELD_S, 1 / self._rate)

    def close(self) -> None:
        """Release the file."""
        self._capture.release()

    def show(self, wanted: deque[tuple[int, float]]) -> Iterator[tuple[int, Frame]]:
        """The frames at the wanted places and times, which are taken out of ``wanted``."""
        shot: _Shot | None = None
        gap = longest = 1 / self._rate  # between two frames
        for index, start in enumerate(self._grab()):
            if shot:
                yield from self._take(wanted, shot, start)
                gap = min(start - shot.start, self._held)
                longest = max(longest, gap)
            if not wanted:
                return
            # Converting a picture is dear: only of frames that, going by those before, are shown at a wanted time.
            is_near = wanted[0][1] < start + 1.5 * longest
            shot = _Shot(index, start, self._retrieve(self._capture, index) if is_near else None)
        if shot:
            end = shot.start + max(gap, 1 / self._rate)
            yield from self._take(wanted, shot, end)
            self._check_end(wanted, shot.index + 1, end)
        elif wanted:
            raise self._error("stops before its first frame")

    def _take(self, wanted: deque[tuple[int, float]], shot: _Shot, stop: float) -> Iterator[tuple[int, Frame]]:
        """The places of all times before ``stop``, when ``shot`` ends; where it was not shown, nothing is yielded."""
        epsilon = _EPSILON / self._rate
        while wanted and wanted[0][1] < stop - epsilon:
            place, time = wanted.popleft()
            if shot.start - epsilon <= time < shot.start + self._held:
                shot.picture = self._fetch(shot.index) if shot.picture is None else shot.picture
                yield place, shot.picture

    def _grab(self) -> Iterator[float]:
        """Decode frame after frame; when each is shown, in s since the first one.

        AVI has no time stamps but the place of each frame in the file. Where frames are decoded in another order than
        they are shown (B-frames), each has the place of a later one, and the last ones have none.
        """
        import cv2

        index, start, delay = 0, -1.0, 0.0
        while self._capture.grab():
            stamp = self._on_grid(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
            if index == 0:
                self._announced -= self._offset(stamp)
                delay = stamp if self._is_avi else 0.0
            after = stamp - delay if stamp or not delay else start + 1 / self._rate
            if not after > start:
                raise self._error(f"does not tell when its frame {index + 1} is shown", "convert it to a constant rate")
            start = after
            yield start
            index += 1

    def _on_grid(self, stamp: float) -> float:
        """A time stamp without its rounding where the rate is constant."""
        exact = round(stamp * self._rate) / self._rate
        return exact if abs(stamp - exact) < _ROUNDING_S else stamp

    def _offset(self, first: float) -> float:
        """When the first frame comes in the time of the container (s), which is told by OpenCV from 4.11 on."""
        import cv2

        if not hasattr(cv2, "CAP_PROP_PTS"):
            return 0.0
        return max(0.0, self._capture.get(cv2.CAP_PROP_PTS) / self._rate - first)

    def _check_end(self, wanted: deque[tuple[int, float]], n_frames: int, end: float) -> None:
        """Raise DataError where frames are wanted that the file announces, and does not have."""
        if wanted and end < self._announced - _SLACK_S:
            raise self._error(f"stops after {n_frames} frames, at {end:.1f} of {self._announced:.1f} s")

    def _fetch(self, index: int) -> Frame:
        """The picture of a frame that is over, by decoding the file once more."""
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
            raise self._error(f"has a frame that cannot be decoded, number {index + 1}")
        return np.asarray(picture, np.uint8)

    def _error(self, message: str, remedy: str = AGAIN) -> DataError:
        return DataError(f"the video {message}", where=self._path, remedy=remedy)
