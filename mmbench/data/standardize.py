"""Standardisation of inputs by mean and standard deviation of the training part or of each subject."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.data.ragged import flatten_padded
from mmbench.data.sources import Rows, Source, find_row_size

_CHUNK = 256
_CHUNK_BYTES = 1 << 25


@dataclass(frozen=True)
class Standardizer:
    """Standardises by mean and standard deviation; ``group`` is the row of the statistics for each sample."""

    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    group: NDArray[np.int64]

    def __call__(self, x: NDArray[Any], rows: Rows) -> NDArray[np.float32]:
        """Scale bags ``(n, K, ...)`` of some rows."""
        which = self.group[rows]
        scaled: NDArray[np.float32] = ((x - self.mean[which, None]) / self.std[which, None]).astype(np.float32)
        return scaled


def fit_standardizer(source: Source, parts: Sequence[Rows], group: NDArray[np.int64], over_time: bool) -> Standardizer:
    """Statistics of the present instances of each part; ``over_time`` pools the last axis, as for raw time series."""
    moments = [_scale(*find_moments(source, rows, over_time)) for rows in parts]
    mean, std = (np.stack([moment[index] for moment in moments]).astype(np.float32) for index in (0, 1))
    return Standardizer(mean, std, group)


def _scale(mean: NDArray[np.float64], std: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation to scale by: 1 where a feature is constant."""
    return mean, np.where(std > 0, std, 1.0)


def find_moments(source: Source, rows: Rows, over_time: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of the present instances of some rows; both 0 if there are none.

    Where lengths differ, they are over all steps, for each channel ``(C, 1)`` or feature of a token ``(1, D)``. The
    standard deviation is 0 if it is within rounding error.
    """
    count, total, squares = 0.0, np.zeros(()), np.zeros(())
    shift: NDArray[np.float64] | None = None
    for part in split_rows(rows, find_row_size(source, rows)):
        here = _read_present(source, part, over_time).astype(np.float64)
        if shift is None and len(here):
            # Sums of squares lose digits where the mean is large: subtract a value near it first.
            shift = here.mean(axis=(0, -1) if over_time else 0, keepdims=over_time)[0 if over_time else ...]
        if shift is None:
            continue
        here -= shift
        axes = (0, here.ndim - 1) if over_time else (0,)
        count += here.shape[0] * (here.shape[-1] if over_time else 1)
        total = total + here.sum(axis=axes, keepdims=over_time).reshape(shift.shape)
        squares = squares + np.square(here).sum(axis=axes, keepdims=over_time).reshape(shift.shape)
    if shift is None or count == 0:
        shape = source.read(rows[:1])[0].shape[2:]
        shape = (*shape[:-1], 1) if over_time else shape if source.lengths is None else (1, *shape[1:])
        return np.zeros(shape), np.zeros(shape)
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
    return mean + shift, np.where(std > 1e-7 * np.abs(mean + shift) + 1e-12, std, 0.0)


def _read_present(source: Source, rows: Rows, over_time: bool) -> NDArray[Any]:
    """The present instances ``(n, *shape)``; where lengths differ, each of their steps as an instance of length 1."""
    x, present = source.read(rows)
    if source.lengths is None:
        return x[present]
    lengths = np.where(present, source.lengths[rows], 0)
    steps = flatten_padded(x, lengths, x.ndim - 3 if over_time else 0)
    return steps[..., None] if over_time else steps[:, None]


def split_rows(rows: Rows, n_bytes: int) -> Iterator[Rows]:
    """Rows in chunks of at most 256 rows and about 32 MB; ``n_bytes`` is the size of one row."""
    size = min(_CHUNK, max(1, _CHUNK_BYTES // max(n_bytes, 1)))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
