"""Intervals over the right unit: people where there are people, since windows of one person are not independent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmbench.metrics import METRICS, Counts, Scores


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
    (scores,) = _drawn_scores([seeds], resamples, seed)
    return {name: _interval(mean, draws, level) for name, (mean, draws) in scores.items()}


def difference_intervals(
    ours: Sequence[Counts], theirs: Sequence[Counts], resamples: int = 2000, level: float = 0.95, seed: int = 0
) -> dict[str, Interval]:
    """By how much ``ours`` scores over ``theirs``, with paired intervals: both are scored on the same drawn units.

    What makes a person hard for both methods cancels, so that the interval is narrower than two separate ones tell.
    ValueError unless both hold the same number of units.
    """
    if len(ours[0]) != len(theirs[0]):
        raise ValueError(f"{len(ours[0])} units against {len(theirs[0])}")
    mine, other = _drawn_scores([ours, theirs], resamples, seed)
    return {name: _interval(mine[name][0] - other[name][0], mine[name][1] - other[name][1], level) for name in METRICS}


def _drawn_scores(
    several: Sequence[Sequence[Counts]], resamples: int, seed: int
) -> list[dict[str, tuple[float, Scores]]]:
    """For each of several methods and each metric, the score of all units and that of each draw, mean over seeds."""
    n_units = len(several[0][0])
    generator = np.random.default_rng(seed)
    weights = generator.multinomial(n_units, np.full(n_units, 1 / n_units), size=resamples).astype(np.float64)
    found = []
    for seeds in several:
        drawn = [np.einsum("ru,ucd->rcd", weights, counts, optimize=True) for counts in seeds]
        whole = [counts.sum(axis=0) for counts in seeds]
        found.append(
            {
                name: (
                    float(np.mean([metric(counts) for counts in whole])),
                    np.mean([metric(counts) for counts in drawn], axis=0),
                )
                for name, metric in METRICS.items()
            }
        )
    return found


def _interval(mean: float, draws: Scores, level: float) -> Interval:
    low, high = np.quantile(draws, ((1 - level) / 2, (1 + level) / 2))
    return Interval(mean, float(low), float(high))
