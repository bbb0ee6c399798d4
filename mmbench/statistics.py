"""Intervals over the right unit: people where there are people, since windows of one person are not independent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmbench.metrics import METRICS, Counts


@dataclass(frozen=True)
class Interval:
    """A score with its 95 % interval."""

    mean: float
    low: float
    high: float


def unit_of(groups: Mapping[str, NDArray[np.str_]], ids: NDArray[np.str_]) -> tuple[str, NDArray[np.str_]]:
    """What is resampled: subjects, else trials, else samples; its name and each sample's."""
    for name in ("subject", "trial"):
        if name in groups and len(np.unique(groups[name])) > 1:
            return name, groups[name]
    return "sample", ids


def unit_counts(
    labels: NDArray[np.int64], predictions: NDArray[np.int64], units: NDArray[np.str_], n_classes: int
) -> Counts:
    """Confusion matrices ``(U, C, C)``, one a unit in sorted order."""
    _, index = np.unique(units, return_inverse=True)
    cells = n_classes * n_classes
    flat = np.bincount(index * cells + labels * n_classes + predictions, minlength=(index.max() + 1) * cells)
    return flat.reshape(-1, n_classes, n_classes).astype(np.float64)


def score_intervals(
    seeds: Sequence[Counts], resamples: int = 2000, level: float = 0.95, seed: int = 0
) -> dict[str, Interval]:
    """Scores over all units with percentile intervals of the cluster bootstrap (Davison & Hinkley 1997, ch. 3.8).

    ``seeds`` holds one ``(U, C, C)`` per training seed. Whole units are drawn with replacement, the same ones in
    every seed; the score of a draw is the mean over seeds.
    """
    n_units = len(seeds[0])
    generator = np.random.default_rng(seed)
    weights = generator.multinomial(n_units, np.full(n_units, 1 / n_units), size=resamples).astype(np.float64)
    drawn = [np.einsum("ru,ucd->rcd", weights, counts, optimize=True) for counts in seeds]
    tails = ((1 - level) / 2, (1 + level) / 2)
    intervals = {}
    for name, metric in METRICS.items():
        low, high = np.quantile(np.mean([metric(counts) for counts in drawn], axis=0), tails)
        mean = np.mean([metric(counts.sum(axis=0)) for counts in seeds])
        intervals[name] = Interval(float(mean), float(low), float(high))
    return intervals
