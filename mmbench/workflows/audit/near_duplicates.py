"""Near-duplicates: pairs of samples with different ids whose data differ by less than 1 % of their variation."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from mmbench.data import Source, find_row_size

Index = NDArray[np.int64]

MAX_DIFFERENCE = 0.01
"""Largest difference of near-duplicates, relative to the variation of the data: 40 dB."""

_CANDIDATES = 3  # nearest neighbours compared
_MAX_DISTANCE = 0.05  # distance of features, in standard deviations, up to which the data themselves are compared
_BLOCK = 512
_BATCH = 64
_BATCH_BYTES = 1 << 25  # of the larger of two samples of a pair, in all pairs of a batch


def find_near_duplicates(
    x: NDArray[np.float32], source: Source, rows: Index, scale: NDArray[np.float64] | None = None
) -> Index:
    """Pairs ``(P, 2)`` of near-duplicates, as positions in ``rows``.

    ``x`` ``(n, D)`` are features, NaN where the modality is missing. Nearest neighbours by features are compared by the
    data in ``source``, instance by instance. The variation is that within a bag or, for features with units of their
    own, the standard deviation ``scale`` among samples.
    """
    pairs = np.array(sorted(set(_candidates(x))), dtype=np.int64).reshape(-1, 2)
    size = min(_BATCH, max(1, _BATCH_BYTES // max(find_row_size(source, rows), 1))) if len(pairs) else _BATCH
    parts = [pairs[start : start + size] for start in range(0, len(pairs), size)]
    have_same_data = [_have_same_data(source, rows[part[:, 0]], rows[part[:, 1]], scale) for part in parts]
    return pairs[np.concatenate(have_same_data)] if have_same_data else pairs


def _candidates(x: NDArray[np.float32]) -> Iterator[tuple[int, int]]:
    there = np.flatnonzero(~np.isnan(x[:, 0]))
    if len(there) < 2:
        return
    known = x[there].astype(np.float64)
    spread = known.std(axis=0)
    scaled = torch.from_numpy((known - known.mean(axis=0)) / np.where(spread > 0, spread, 1) / np.sqrt(x.shape[1]))
    for start in range(0, len(there), _BLOCK):
        block = torch.cdist(scaled[start : start + _BLOCK], scaled)
        block[torch.arange(len(block)), torch.arange(start, start + len(block))] = torch.inf
        near, which = block.topk(min(_CANDIDATES, len(there) - 1), largest=False)
        for row, at in torch.nonzero(near < _MAX_DISTANCE).tolist():
            one, other = sorted((int(there[start + row]), int(there[which[row, at]])))
            yield one, other


def _have_same_data(source: Source, ours: Index, theirs: Index, scale: NDArray[np.float64] | None) -> NDArray[np.bool_]:
    """Whether pairs have nearly the same data ``(P,)``; False if different instances are present."""
    # Read together, so that instances of open length are padded to the same length.
    both, both_present = source.read(np.concatenate([ours, theirs]))
    (mine, other), (present, also) = (np.split(each, 2) for each in (both, both_present))
    mask = present.reshape(*present.shape, *[1] * (mine.ndim - 2))
    unit = np.ones(1) if scale is None else scale
    a, b = (np.where(mask, bag / unit, 0).reshape(len(bag), -1) for bag in (mine, other))
    spread = np.linalg.norm(a - a.mean(axis=1, keepdims=True), axis=1)
    variation = np.maximum(spread if scale is None else np.sqrt(a.shape[1]), 1e-12)
    same: NDArray[np.bool_] = (np.linalg.norm(a - b, axis=1) <= MAX_DIFFERENCE * variation) & (present == also).all(
        axis=1
    )
    return same
