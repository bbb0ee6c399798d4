"""Reads the MATLAB files of UTD-MHAD."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError
from mmbench_datasets.shared.mat5 import check_level, load_mat
from mmbench_datasets.shared.remedies import GET_AGAIN
from mmbench_datasets.utd_mhad.layout import JOINTS, Stream

_MOST_BYTES = 64 * 2**20  # of a file after decompression; the published ones have at most 0.2 MB


def load_stream(path: Path, stream: Stream) -> NDArray[np.float32]:
    """The values of a file, ``(channels, time)``; raises DataError unless they are finite and of the right shape."""
    check_level(path)
    try:
        array = load_mat(path.read_bytes(), (stream.array,), _MOST_BYTES).get(stream.array)
    except (ValueError, MemoryError) as error:
        raise DataError("is truncated or damaged", where=path, remedy=GET_AGAIN) from error
    if array is None:
        raise DataError(f"has no array {stream.array!r}", where=path, remedy=GET_AGAIN)
    time_first = len(stream.axes) == 1
    values = array.T if time_first else array
    if values.ndim != len(stream.axes) + 1 or values.shape[:-1] != stream.axes:
        axes = (f"time, {stream.axes[0]}") if time_first else f"{', '.join(map(str, stream.axes))}, time"
        raise DataError(f"{stream.array!r} has the shape {array.shape}, not ({axes})", where=path, remedy=GET_AGAIN)
    if not values.shape[-1]:
        raise DataError(f"{stream.array!r} has no time steps", where=path, remedy=GET_AGAIN)
    if not np.isfinite(values).all():
        raise DataError(f"{stream.array!r} has NaN or infinite values", where=path, remedy=GET_AGAIN)
    return np.ascontiguousarray(values.reshape(-1, values.shape[-1]), np.float32)


def from_hip(skeleton: NDArray[np.float32]) -> NDArray[np.float32]:
    """A skeleton ``(60, time)`` relative to where its hip centre is in the first frame."""
    joints = skeleton.reshape(len(JOINTS), 3, -1)
    hip = joints[JOINTS.index("hip-center"), :, :1]
    return (joints - hip).reshape(skeleton.shape)
