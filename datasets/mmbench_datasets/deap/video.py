"""Frames of a face video at given times, decoded once from start to end."""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError

Frame = NDArray[np.uint8]
"""One picture, (height, width, 3), blue first as OpenCV has it."""

AGAIN = "copy or download the video again, or remove it: its trial is then without a face"
# Containers round their length; a video that stops earlier than this before its announced end was cut off.
_SLACK_S = 1.0


def is_truncated(path: Path) -> bool:
    """Whether an AVI file is shorter than its own header says; reads 8 bytes."""
    with path.open("rb") as file:
        head = file.read(8)
    if len(head) < 8:
        return True
    return head[:4] == b"RIFF" and path.stat().st_size < int(struct.unpack("<I", head[4:])[0]) + 8


def iter_frames(path: Path, times: Sequence[float]) -> Iterator[tuple[int, Frame]]:
    """Yield the place in ``times`` (s, ascending) and the frame shown then; nothing after the end of a short video.

    Raises DataError when the file is truncated or cannot be decoded.
    """
    import cv2

    if is_truncated(path):
        raise DataError("the video is truncated", where=path, remedy=AGAIN)
    capture = cv2.VideoCapture(str(path))
    try:
        rate = capture.get(cv2.CAP_PROP_FPS)
        if not capture.isOpened() or not 0 < rate < 1000:
            raise DataError("the video cannot be opened", where=path, remedy=AGAIN)
        wanted = [int(time * rate + 1e-6) for time in times]
        n_announced = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        n_expected = min(wanted[-1] + 1, n_announced - round(_SLACK_S * rate))
        yield from _decode(path, capture, wanted, n_expected)
    finally:
        capture.release()


def _decode(path: Path, capture: Any, wanted: Sequence[int], n_expected: int) -> Iterator[tuple[int, Frame]]:
    at = 0  # in the video; grabbing is cheaper than retrieving
    frame: Frame | None = None
    for place, index in enumerate(wanted):
        while at <= index:
            if not capture.grab():
                if at < n_expected:
                    raise DataError(f"the video stops after {at} frames", where=path, remedy=AGAIN)
                return
            at, frame = at + 1, None
        if frame is None:
            ok, picture = capture.retrieve()
            if not ok:
                raise DataError(f"frame {index} of the video cannot be decoded", where=path, remedy=AGAIN)
            frame = np.asarray(picture, np.uint8)
        yield place, frame
