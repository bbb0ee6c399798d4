"""Reads films as frames at a rate, after checking that they are complete, and writes them."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench import Clip, DataError, StorageError, check_content, is_video_truncated, sample_video_frames
from mmbench_datasets.shared.remedies import GET_AGAIN

Frame = NDArray[np.uint8]
"""An image (height, width, 3) in OpenCV's order: blue, green, red."""

_BEGINNINGS = (b"RIFF", b"FLV", b"\x1aE\xdf\xa3")  # of AVI, FLV and Matroska
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")  # the first of an MP4 or MOV file
# MPEG-4 is in every OpenCV wheel, as fast as Motion JPEG and half the size; FLV has a number for Sorenson's codec.
_CODECS = {".avi": "XVID", ".mp4": "mp4v", ".flv": "\x02\0\0\0"}


def check_film(path: Path) -> None:
    """Raise DataError if a film is missing, something else, or shorter than its headers declare.

    Only one that does not begin as a film does is opened and decoded, up to its first frame.
    """
    check_content(path)
    if is_video_truncated(path):
        raise DataError("the video is truncated", where=path, remedy=GET_AGAIN)
    with path.open("rb") as file:
        head = file.read(8)
    if not (head.startswith(_BEGINNINGS) or head[4:] in _BOXES):
        next(sample_video_frames(path, 1.0, remedy=GET_AGAIN), None)


def load_clip(path: Path, rate: float) -> Clip:
    """The frames of a film at ``rate`` frames a second, as PNG files, with their times in seconds."""
    import cv2

    check_film(path)
    times, frames = [], []
    for time, frame in sample_video_frames(path, rate, remedy=GET_AGAIN):
        times.append(time)
        # They are coded once more where they are resized.
        frames.append(bytes(cv2.imencode(".png", frame, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1]))
    if not frames:
        raise DataError("the video has no frames", where=path, remedy=GET_AGAIN)
    return Clip(frames, times)


def write_film(path: Path, frames: Iterable[Frame], rate: float, size: tuple[int, int]) -> None:
    """Write frames of ``size`` (width, height) as a film at ``rate`` frames a second, coded as its ending says."""
    import cv2

    codec = _CODECS[path.suffix]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), rate, size)
    try:
        if not writer.isOpened():
            message = f"cannot be written as a video ({path.suffix[1:]})"
            remedy = "check the permissions of the folder, and that OpenCV has the codec"
            raise StorageError(message, where=path, remedy=remedy)
        for frame in frames:
            writer.write(frame)
    finally:
        writer.release()
    if is_video_truncated(path):  # OpenCV does not report a full disk
        raise StorageError("was not written completely", where=path, remedy="free some space")
