"""Face crops from video frames, detected with YuNet (Wu et al. 2023) in OpenCV."""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError, check_content, is_video_truncated, iter_video_frames

Frame = NDArray[np.uint8]
"""An image (height, width, 3) in OpenCV's order: blue, green, red."""

VIDEO_REMEDY = "copy or download the video again, or remove it: its trial is then without a face"

MODEL = Path(__file__).parent / "models" / "face_detection_yunet_2023mar.onnx"
DETECTION_SIDE = 256
"""Longer side in pixels of the frames given to the detector; benchmarks/faces.py measures speed and recall."""

# AVI, Matroska, and MP4 or MOV.
_CONTAINERS = re.compile(rb"RIFF....AVI |\x1a\x45\xdf\xa3|....(ftyp|moov|mdat|wide|free|skip)", re.DOTALL)
_MIN_SCORE = 0.6
_MARGIN = 0.1
_JPEG_QUALITY = 90


class Box(NamedTuple):
    """Bounding box of a face, in pixels of the frame."""

    x: float
    y: float
    width: float
    height: float

    def contains(self, x: float, y: float) -> bool:
        """Whether a point is inside."""
        return self.x <= x <= self.x + self.width and self.y <= y <= self.y + self.height

    @property
    def centre(self) -> tuple[float, float]:
        """Centre of the box, in pixels."""
        return self.x + self.width / 2, self.y + self.height / 2


class FaceDetector:
    """Detects one face per frame, and follows that person where several are in view.

    Frames are downscaled for detection, to ``side`` pixels on their longer side.
    """

    def __init__(self, side: int = DETECTION_SIDE) -> None:
        import cv2

        self._side = side
        with _quiet_opencv():
            self._net = cv2.FaceDetectorYN.create(str(MODEL), "", (side, side), _MIN_SCORE)
        self._last: Box | None = None

    def reset(self) -> None:
        """Forget the last face; call this before each video."""
        self._last = None

    def find(self, frame: Frame) -> Box | None:
        """The largest of the faces that overlap the last one, or of all; None without a face."""
        boxes = self.find_all(frame)
        last = self._last
        near = [box for box in boxes if last is not None and last.contains(*box.centre)]
        found = max(near or boxes, key=lambda box: box.width * box.height, default=None)
        self._last = found or last
        return found

    def find_all(self, frame: Frame) -> list[Box]:
        """Boxes of all faces in the frame."""
        import cv2

        height, width = frame.shape[:2]
        scale = min(1.0, self._side / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        self._net.setInputSize(size)
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        _, rows = self._net.detect(small)
        return [] if rows is None else [Box(*(float(v) / scale for v in row[:4])) for row in rows]


def crop_face(frame: Frame, box: Box, size: int) -> bytes:
    """JPEG of ``size`` × ``size`` pixels: the square around a box with a margin of a tenth on each side."""
    import cv2

    side = max(2, round(max(box.width, box.height) * (1 + 2 * _MARGIN)))
    rows, columns = (
        np.clip(np.arange(side) + round(middle - side / 2), 0, limit - 1)  # edge pixels are repeated beyond the frame
        for middle, limit in zip(reversed(box.centre), frame.shape[:2], strict=True)
    )
    square = frame[rows[:, None], columns]
    method = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    face = cv2.resize(square, (size, size), interpolation=method)
    _, coded = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return bytes(coded)


def check_video(path: Path) -> None:
    """Raise DataError for a file that is no video, or is truncated.

    A file that does not begin like an AVI, Matroska, MP4 or MOV file is no video unless its first frame can be decoded.
    """
    check_content(path)
    try:
        if is_video_truncated(path):
            raise DataError("the video is truncated", where=path, remedy=VIDEO_REMEDY)
        with path.open("rb") as file:
            is_known = bool(_CONTAINERS.match(file.read(12)))
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", where=path, remedy=VIDEO_REMEDY) from error
    if not is_known:
        next(iter_video_frames(path, [0.0], remedy=VIDEO_REMEDY), None)


class Bag(NamedTuple):
    """Faces of a window: K JPEGs or None, and whether the place of each was inferred, (K,)."""

    faces: list[bytes | None]
    inferred: NDArray[np.bool_]


def read_faces(path: Path, windows: Sequence[Sequence[float]], size: int, detector: FaceDetector) -> list[Bag]:
    """The face at each time (s) of each window of a video, one bag per window.

    Where no face is detected in a frame, the crop is at the box nearest in time and marked as inferred; a window
    without any detected face gets no crops.
    """
    places = sorted((time, window, at) for window, times in enumerate(windows) for at, time in enumerate(times))
    bags = [Bag([None] * len(times), np.zeros(len(times), np.bool_)) for times in windows]
    boxes: dict[float, Box] = {}
    faceless: dict[int, list[tuple[float, int, Frame]]] = {window: [] for window in range(len(windows))}
    detector.reset()
    for place, frame in iter_video_frames(path, [time for time, _, _ in places], remedy=VIDEO_REMEDY):
        time, window, at = places[place]
        if box := detector.find(frame):
            boxes[time] = box
            bags[window].faces[at] = crop_face(frame, box, size)
        else:
            faceless[window].append((time, at, frame))
        if time == max(windows[window]) and not any(bags[window].faces):
            faceless[window].clear()  # no detection in the whole window: do not infer
    for window, left in faceless.items():
        for time, at, frame in left if any(bags[window].faces) else ():
            nearest = min(boxes, key=lambda other: abs(other - time))
            bags[window].faces[at] = crop_face(frame, boxes[nearest], size)
            bags[window].inferred[at] = True
    return bags


class FaceReader:
    """Face bags of a subject's trials, from its ``videos`` by Experiment_id.

    ``windows`` are the times (s) of the faces in each window, ``size`` the side of a crop in pixels. The detector is
    loaded with the first video.
    """

    def __init__(self, videos: Mapping[int, Path], windows: list[list[float]], size: int) -> None:
        self._videos = videos
        self._windows = windows
        self._size = size
        self._detector: FaceDetector | None = None

    def read(self, experiment: int) -> list[Bag | None]:
        """One bag per window; None if no frame has a face, or the trial has no video."""
        if experiment not in self._videos:
            return [None] * len(self._windows)
        self._detector = self._detector or FaceDetector()
        bags = read_faces(self._videos[experiment], self._windows, self._size, self._detector)
        return [bag if any(face is not None for face in bag.faces) else None for bag in bags]


_log_lock = threading.Lock()


@contextmanager
def _quiet_opencv() -> Iterator[None]:
    """Suppress the warning that OpenCV 5 prints for every network it loads."""
    import cv2

    logging: Any = cv2.utils.logging
    with _log_lock:
        level = logging.getLogLevel()
        logging.setLogLevel(logging.LOG_LEVEL_ERROR)
        try:
            yield
        finally:
            logging.setLogLevel(level)
