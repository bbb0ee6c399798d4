"""Subjects that may be one person: pairs whose samples are not separable, where those of other pairs are."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray

Index = NDArray[np.int64]

MIN_SEPARATED = 0.9
"""Share of samples whose nearest neighbour is of their own group (median over pairs), from which groups count as
separable by their data."""
MAX_MERGED = 0.7  # the share below which a pair is not separable, by three standard errors
_MAX_SAMPLES, _BLOCK = 3000, 256


def find_merged_subjects(x: NDArray[np.float32], groups: NDArray[np.str_]) -> list[tuple[str, str]]:
    """Pairs of groups ``(n,)`` whose samples ``(n, D)`` are as near to each other as to their own group.

    Two subject ids of one person are such a pair. Empty if groups are not separable at all, or have too few samples.
    """
    rows = _subsample(len(x))
    names, of = np.unique(groups[rows], return_inverse=True)
    nearest = _nearest(torch.from_numpy(x[rows]), of, len(names))
    pairs = list(combinations(range(len(names)), 2))
    shares = [_share_own(nearest, of, *pair) for pair in pairs]
    if not shares or np.median([share for share, _ in shares]) < MIN_SEPARATED:
        return []
    return list(_mixed(names, pairs, shares))


def _mixed(
    names: NDArray[np.str_], pairs: list[tuple[int, int]], shares: list[tuple[float, int]]
) -> Iterator[tuple[str, str]]:
    for (one, other), (share, n) in zip(pairs, shares, strict=True):
        if share + 3 * np.sqrt(max(share * (1 - share), 1 / n) / n) <= MAX_MERGED:
            yield str(names[one]), str(names[other])


def _share_own(nearest: NDArray[np.float32], of: Index, one: int, other: int) -> tuple[float, int]:
    """The share of samples of two groups that are nearer to their own group, and the number of samples."""
    ours, theirs = nearest[of == one], nearest[of == other]
    own = np.r_[ours[:, one] < ours[:, other], theirs[:, other] < theirs[:, one]]
    return float(own.mean()), len(own)


def _nearest(x: torch.Tensor, of: Index, n_groups: int) -> NDArray[np.float32]:
    """Distance of each sample to the nearest other sample of each group ``(n, G)``."""
    found = np.empty((len(x), n_groups), dtype=np.float32)
    for start in range(0, len(x), _BLOCK):
        apart = torch.cdist(x[start : start + _BLOCK], x)
        apart[torch.arange(len(apart)), torch.arange(start, start + len(apart))] = torch.inf
        for group in range(n_groups):
            found[start : start + len(apart), group] = apart[:, of == group].amin(dim=1).numpy()
    return found


def _subsample(n_samples: int) -> Index:
    if n_samples <= _MAX_SAMPLES:
        return np.arange(n_samples)
    return np.sort(np.random.default_rng(0).choice(n_samples, _MAX_SAMPLES, replace=False))
