"""Videos: coded frames in order, each with its time."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmbench.contract import Clip
from mmbench.data.samples.bag import LEAVE_OUT, BagCheck
from mmbench.data.samples.images import check_image


def check_clips(items: Sequence[Any], check: BagCheck) -> list[Clip | None]:
    """Clips whose frames have the size of the modality; DataError unless their times, in seconds, increase."""
    return [None if item is None else _check_clip(item, check) for item in items]


def _check_clip(item: Any, check: BagCheck) -> Clip:
    if not isinstance(item, Clip):
        raise check.error(f"holds a {type(item).__name__}, not a Clip of frames and times")
    if not isinstance(item.frames, Sequence):
        raise check.error(f"has a clip whose frames are a {type(item.frames).__name__}, not a sequence")
    n_frames, wanted = len(item.frames), check.modality.shape[0]
    if n_frames == 0:
        raise check.error("has a clip without frames", LEAVE_OUT)
    if wanted not in (None, n_frames):
        raise check.error(f"has a clip of {n_frames} frames, not {wanted}")
    try:
        times = np.asarray(item.times, dtype=np.float64)
    except (TypeError, ValueError):
        raise check.error("has times of frames that are not numbers") from None
    if times.shape != (n_frames,):
        raise check.error(f"has a clip of {n_frames} frames with times of the shape {times.shape}")
    if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        raise check.error("has a clip whose times are not finite and increasing", "sort the frames by time")
    return Clip([check_image(frame, check) for frame in item.frames], times.tolist())
