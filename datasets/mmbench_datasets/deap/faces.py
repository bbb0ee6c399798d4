"""Finds the face in each frame of a video and cuts it out, with YuNet (Wu et al. 2023) as OpenCV runs it."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmbench_datasets.deap.video import Frame, iter_frames

MODEL = Path(__file__).parent / "models" / "face_detection_yunet_2023mar.onnx"
DETECTION_SIDE = 256
"""The longer side in pixels while looking for faces; benchmarks/faces.py tells what that saves and what it loses."""

_MIN_SCORE = 0.6
_MARGIN = 0.1
_JPEG_QUALITY = 90


class Box(NamedTuple):
    """Where a face is, in pixels of the frame."""

    x: float
    y: float
    width: float
    height: float

    def holds(self, x: float, y: float) -> bool:
        """Whether a point is inside."""
        return self.x <= x <= self.x + self.width and self.y <= y <= self.y + self.height

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the box."""
        return self.x + self.width / 2, self.y + self.height / 2


class FaceFinder:
    """Finds one face a frame; follows the person it found before where several are in view.

    Frames are made smaller while looking, to ``side`` pixels at most.
    """

    def __init__(self, side: int = DETECTION_SIDE) -> None:
        import cv2

        self._side = side
        with _quiet_opencv():
            self._net = cv2.FaceDetectorYN.create(str(MODEL), "", (side, side), _MIN_SCORE)
        self._last: Box | None = None

    def reset(self) -> None:
        """Forget the person; a new video begins."""
        self._last = None

    def find(self, frame: Frame) -> Box | None:
        """The largest face of those at the place of the last one, or of all; None where there is none."""
        boxes = self.find_all(frame)
        last = self._last
        near = [box for box in boxes if last is not None and last.holds(*box.centre)]
        found = max(near or boxes, key=lambda box: box.width * box.height, default=None)
        self._last = found or last
        return found

    def find_all(self, frame: Frame) -> list[Box]:
        """Every face in the frame."""
        import cv2

        height, width = frame.shape[:2]
        scale = min(1.0, self._side / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        self._net.setInputSize(size)
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        _, rows = self._net.detect(small)
        return [] if rows is None else [Box(*(float(v) / scale for v in row[:4])) for row in rows]


def crop_face(frame: Frame, box: Box, size: int) -> bytes:
    """The square around a box grown by a tenth on each side, ``size`` × ``size`` pixels, as JPEG."""
    import cv2

    side = max(2, round(max(box.width, box.height) * (1 + 2 * _MARGIN)))
    rows, columns = (
        np.clip(np.arange(side) + round(middle - side / 2), 0, limit - 1)  # repeats the edge beyond the frame
        for middle, limit in zip(reversed(box.centre), frame.shape[:2], strict=True)
    )
    square = frame[rows[:, None], columns]
    method = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    face = cv2.resize(square, (size, size), interpolation=method)
    _, coded = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return bytes(coded)


class Bag(NamedTuple):
    """The faces of a window: JPEG or None, and (K,) whether each was cut out at a guessed place."""

    faces: list[bytes | None]
    inferred: NDArray[np.bool_]


def read_faces(path: Path, windows: Sequence[Sequence[float]], size: int, finder: FaceFinder) -> list[Bag]:
    """The face at each time (s) of each window of a video.

    Where a frame has no face, the nearest box in time says where it should be, and the face is marked as inferred; a
    window without any face has none.
    """
    places = sorted((time, window, at) for window, times in enumerate(windows) for at, time in enumerate(times))
    bags = [Bag([None] * len(times), np.zeros(len(times), np.bool_)) for times in windows]
    boxes: dict[float, Box] = {}
    faceless: dict[int, list[tuple[float, int, Frame]]] = {window: [] for window in range(len(windows))}
    finder.reset()
    for place, frame in iter_frames(path, [time for time, _, _ in places]):
        time, window, at = places[place]
        if box := finder.find(frame):
            boxes[time] = box
            bags[window].faces[at] = crop_face(frame, box, size)
        else:
            faceless[window].append((time, at, frame))
        if time == max(windows[window]) and not any(bags[window].faces):
            faceless[window].clear()  # nothing is guessed there; a face may be out of sight for long
    for window, left in faceless.items():
        for time, at, frame in left if any(bags[window].faces) else ():
            nearest = min(boxes, key=lambda other: abs(other - time))
            bags[window].faces[at] = crop_face(frame, boxes[nearest], size)
            bags[window].inferred[at] = True
    return bags


_log_lock = threading.Lock()


@contextmanager
def _quiet_opencv() -> Iterator[None]:
    """OpenCV 5 prints a warning for every network it loads, which is of no use to anybody."""
    import cv2

    logging: Any = cv2.utils.logging
    with _log_lock:
        level = logging.getLogLevel()
        logging.setLogLevel(logging.LOG_LEVEL_ERROR)
        try:
            yield
        finally:
            logging.setLogLevel(level)
