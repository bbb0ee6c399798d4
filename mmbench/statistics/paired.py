"""Paired tests of two methods over the same units, and what to do when there are several."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mmbench.metrics import METRICS, Counts

_EXACT = 12  # units up to which every exchange is tried: 4096
_ROUNDING = 1e-12


def permutation_p(
    ours: Sequence[Counts],
    theirs: Sequence[Counts],
    metric: str = "balanced_accuracy",
    draws: int = 10_000,
    seed: int = 0,
) -> float:
    """Two-sided p of the paired permutation test (Good 2005; Ojala & Garriga 2010, JMLR 11).

    ``ours`` and ``theirs`` hold one ``(U, C, C)`` per training seed. If neither method were better, whoever gave the
    predictions of a unit could be exchanged: the p is the share of exchanges, the same in every seed, that leave a
    difference as large. All of them are tried for up to 12 units, else ``draws`` of them by chance.
    """
    swapped = _exchanges(len(ours[0]), draws, seed)
    score = METRICS[metric]
    differences = np.zeros(len(swapped))
    for mine, other in zip(ours, theirs, strict=True):
        change = (swapped @ (other - mine).reshape(len(mine), -1)).reshape(-1, *mine.shape[1:])
        differences += score(mine.sum(axis=0) + change) - score(other.sum(axis=0) - change)
    return float(np.mean(np.abs(differences) >= abs(differences[0]) - _ROUNDING * len(ours)))


@lru_cache(maxsize=4)
def _exchanges(n_units: int, draws: int, seed: int) -> NDArray[np.float64]:
    """Which units are exchanged, a row each; in the first none is, so that a p is never 0."""
    if n_units <= _EXACT:
        return ((np.arange(2**n_units)[:, None] >> np.arange(n_units)) & 1).astype(np.float64)
    drawn = np.random.default_rng(seed).integers(0, 2, (draws, n_units)).astype(np.float64)
    drawn[0] = 0
    return drawn


def unit_differences(
    ours: Sequence[Counts], theirs: Sequence[Counts], metric: str = "balanced_accuracy"
) -> NDArray[np.float64]:
    """By how much ``ours`` scores over ``theirs`` on each unit by itself ``(U,)``, the mean over seeds."""
    score = METRICS[metric]
    each = [score(mine) - score(other) for mine, other in zip(ours, theirs, strict=True)]
    return np.asarray(np.mean(each, axis=0), dtype=np.float64)


def wilcoxon_p(differences: NDArray[np.float64]) -> float:
    """Two-sided p of Wilcoxon's signed-rank test of the units' differences; zeros are shared out (Pratt 1959)."""
    from scipy.stats import wilcoxon

    rounded = np.round(differences, 12)
    if not rounded.any():
        return 1.0
    return float(wilcoxon(rounded, zero_method="zsplit").pvalue)


def cohens_dz(differences: NDArray[np.float64]) -> float | None:
    """Effect size of paired differences: their mean in standard deviations (Cohen 1988); None where all are equal."""
    spread = float(np.std(differences, ddof=1)) if len(differences) > 1 else 0.0
    return float(np.mean(differences)) / spread if spread > _ROUNDING else None


def resampled_t_p(differences: NDArray[np.float64], test_share: float) -> float:
    """Two-sided p of the corrected resampled t-test (Nadeau & Bengio 2003, Machine Learning 52).

    ``differences`` ``(J,)`` are those of each fold and seed, ``test_share`` the size of a test part over that of its
    training part. Trainings share samples, so that the plain t-test finds differences where there are none.
    """
    from scipy.stats import t

    n = len(differences)
    variance = float(np.var(differences, ddof=1)) if n > 1 else 0.0
    if variance == 0:
        return 1.0 if not np.any(differences) else 0.0
    statistic = float(np.mean(differences)) / np.sqrt((1 / n + test_share) * variance)
    return float(2 * t.sf(abs(statistic), n - 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Values of p adjusted for their number by Holm's step-down method (Holm 1979), in the order given."""
    order = np.argsort(p_values, kind="stable")
    stepped = np.asarray(p_values, dtype=np.float64)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return [float(value) for value in adjusted]
