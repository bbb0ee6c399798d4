"""Arrays of unequal length, stored one after the other and read padded."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Modality
from mmbench.data.sources import Rows


class RaggedArray:
    """Instances of unequal length: their steps one after the other, ``flat`` ``(total, ...)``.

    ``lengths`` ``(N, K)`` are the steps of each instance, 0 for absent ones. ``axis`` is the axis of the steps in an
    instance.
    """

    def __init__(self, flat: NDArray[Any], lengths: NDArray[np.int64], axis: int) -> None:
        self.flat, self.lengths, self.axis = flat, lengths, axis
        stops = np.cumsum(lengths, dtype=np.int64).reshape(lengths.shape)
        self.starts: NDArray[np.int64] = stops - lengths

    def read(self, rows: Rows) -> NDArray[Any]:
        """Instances ``(n, K, *shape)`` of some rows, padded with zeros to the longest of them."""
        lengths, starts = self.lengths[rows], self.starts[rows]
        longest, rest = count_padded(lengths), self.flat.shape[1:]
        shape = (*rest[: self.axis], longest, *rest[self.axis :])
        padded = np.zeros((*lengths.shape, *shape), dtype=self.flat.dtype)
        steps_first = np.moveaxis(padded.reshape(-1, *shape), self.axis + 1, 1)
        for instance, start, length in zip(steps_first, starts.ravel().tolist(), lengths.ravel().tolist(), strict=True):
            instance[:length] = self.flat[start : start + length]
        return padded


def count_padded(lengths: NDArray[np.int64]) -> int:
    """The number of steps that instances of these lengths are padded to: that of the longest, and at least 1."""
    return max(int(lengths.max(initial=0)), 1)


def valid_steps(lengths: NDArray[np.int64], n_steps: int) -> NDArray[np.bool_]:
    """Which of ``n_steps`` padded steps are of the instances, bool ``(..., n_steps)``."""
    steps: NDArray[np.bool_] = np.arange(n_steps) < lengths[..., None]
    return steps


def flatten_padded(x: NDArray[Any], lengths: NDArray[np.int64], axis: int) -> NDArray[Any]:
    """The steps ``(total, ...)`` of padded instances ``(n, K, *shape)``, one instance after the other."""
    steps_first = np.moveaxis(x, axis + 2, 2)
    flat: NDArray[Any] = steps_first[valid_steps(lengths, steps_first.shape[2])]
    return flat


def clear_padding(x: NDArray[Any], lengths: NDArray[np.int64], axis: int) -> None:
    """Set the padded steps of instances ``(n, K, *shape)`` to zero, in place."""
    steps_first = np.moveaxis(x, axis + 2, 2)
    steps_first[~valid_steps(lengths, steps_first.shape[2])] = 0


def open_axis(modality: Modality) -> int:
    """The axis of an instance along which lengths differ; 0 for texts, whose instances are bytes."""
    return 0 if modality.kind == "text" else modality.shape.index(None)
