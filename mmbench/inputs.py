"""What a model reads: raw instances or cached tokens, standardised, in batches."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from mmbench.networks import Tokens
from mmbench.store import Rows, Source

_CHUNK = 256
_CHUNK_BYTES = 1 << 25
_IN_MEMORY = 1 << 30  # bytes of one modality up to which it is read once and kept


@dataclass(frozen=True)
class Standardizer:
    """Scales by mean and standard deviation; ``group`` says which row of the statistics a sample takes."""

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
    """What to scale by: what does not vary is left in its scale."""
    return mean, np.where(std > 0, std, 1.0)


def find_moments(source: Source, rows: Rows, over_time: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of the present instances of some rows; 0 where all that varies is rounding.

    Both are 0 where there is no instance.
    """
    count, total, squares = 0.0, np.zeros(()), np.zeros(())
    shift: NDArray[np.float64] | None = None
    for part in chunks(rows, source.read(rows[:1])[0].nbytes):
        x, present = source.read(part)
        here = x[present].astype(np.float64)
        if shift is None and len(here):
            # Sums of squares lose digits when the mean is large: take off a value near it first.
            shift = here.mean(axis=(0, -1) if over_time else 0, keepdims=over_time)[0 if over_time else ...]
        if shift is None:
            continue
        here -= shift
        axes = (0, here.ndim - 1) if over_time else (0,)
        count += here.shape[0] * (here.shape[-1] if over_time else 1)
        total = total + here.sum(axis=axes, keepdims=over_time).reshape(shift.shape)
        squares = squares + np.square(here).sum(axis=axes, keepdims=over_time).reshape(shift.shape)
    if shift is None or count == 0:
        x, _ = source.read(rows[:1])
        shape = (*x.shape[2:-1], 1) if over_time else x.shape[2:]
        return np.zeros(shape), np.zeros(shape)
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
    return mean + shift, np.where(std > 1e-7 * np.abs(mean + shift) + 1e-12, std, 0.0)


def chunks(rows: Rows, n_bytes: int) -> Iterator[Rows]:
    """Rows in parts of up to 256, fewer where a row has many bytes, so that no part is large."""
    size = min(_CHUNK, max(1, _CHUNK_BYTES // max(n_bytes, 1)))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


class Stream:
    """One modality as the model reads it."""

    def __init__(self, source: Source, standardizer: Standardizer | None, n_rows: int) -> None:
        self.source = source
        self.standardizer = standardizer
        first, _ = source.read(np.arange(min(1, n_rows)))
        self._kept: Tokens | None = None
        if first.nbytes * n_rows <= _IN_MEMORY:
            self._kept = self._read_all(n_rows, first.nbytes)

    def batch(self, rows: Rows) -> Tokens:
        """Bags ``(n, K, ...)`` and presence ``(n, K)`` of some rows."""
        if self._kept is None:
            return self._read(rows)
        index = torch.from_numpy(rows)
        # Copies whole rows, eight times as fast as indexing.
        return Tokens(*(part.index_select(0, index) for part in self._kept))

    def raw(self, rows: Rows) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """The same as the source has them, from memory where that is what is kept there."""
        if self._kept is None or self.standardizer is not None:
            return self.source.read(rows)
        x, present = self.batch(rows)
        return x.numpy(), present.numpy()

    def standardize(self, x: NDArray[Any], present: NDArray[np.bool_], rows: Rows) -> Tokens:
        """Bags of some rows as the model reads them; absent instances are zero."""
        if self.standardizer is not None:
            x = self.standardizer(x, rows)
            x[~present] = 0.0
        return Tokens(torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(np.ascontiguousarray(present)))

    def _read_all(self, n_rows: int, n_bytes: int) -> Tokens:
        """All rows, read in parts: what scaling takes beside them is that of a part."""
        kept: Tokens | None = None
        for part in chunks(np.arange(n_rows), n_bytes):
            read = self._read(part)
            kept = kept or Tokens(*(tensor.new_empty((n_rows, *tensor.shape[1:])) for tensor in read))
            for whole, tensor in zip(kept, read, strict=True):
                whole[part[0] : part[-1] + 1] = tensor
        return kept or self._read(np.arange(n_rows))

    def _read(self, rows: Rows) -> Tokens:
        x, present = self.source.read(rows)
        return self.standardize(x, present, rows)


class PresenceSource:
    """A modality that a fusion does not use: which instances are there, and nothing of them."""

    def __init__(self, present: NDArray[np.bool_]) -> None:
        self.present = present

    def read(self, rows: Rows) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Empty values ``(n, K, 0, 0)`` and presence ``(n, K)``."""
        present = self.present[rows]
        return np.zeros((*present.shape, 0, 0), dtype=np.float32), present


class Inputs:
    """All modalities of a dataset as one model reads them."""

    def __init__(self, streams: Mapping[str, Stream]) -> None:
        self.streams = dict(streams)

    def batch(self, rows: Rows, device: torch.device) -> dict[str, Tokens]:
        """A batch on ``device``; images cross as uint8."""
        return {
            name: Tokens(*(part.to(device, non_blocking=True) for part in stream.batch(rows)))
            for name, stream in self.streams.items()
        }
