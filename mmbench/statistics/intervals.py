"""Intervals of scores and of differences, by a bootstrap over whole units."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mmbench.metrics import METRICS, Counts, Scores

Metrics = Mapping[str, Callable[[NDArray[np.float64]], Scores]]
"""Scores of what was counted; they take sums over units, and stacks of them."""


@dataclass(frozen=True)
class Interval:
    """A score with its 95 % interval."""

    mean: float
    low: float
    high: float


def score_intervals(
    seeds: Sequence[Counts],
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    metrics: Metrics = METRICS,
) -> dict[str, Interval]:
    """Scores over all units with intervals of the cluster bootstrap (Davison & Hinkley 1997, ch. 3.8).

    ``seeds`` holds one ``(U, C, C)`` per training seed, or what else ``metrics`` score. Whole units are drawn with
    replacement, the same ones in every seed; the score of a draw is the mean over seeds. The percentiles are widened
    for few units, as the t distribution is wider than the normal one (Hesterberg 2015, The American Statistician
    69(4), expanded percentiles).
    """
    (scores,) = _drawn_scores([seeds], resamples, seed, metrics)
    tail = expanded_tail(len(seeds[0]), level)
    return {name: percentiles(mean, draws, tail) for name, (mean, draws) in scores.items()}


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
    tail = expanded_tail(len(ours[0]), level)
    return {name: percentiles(mine[name][0] - other[name][0], mine[name][1] - other[name][1], tail) for name in METRICS}


def _drawn_scores(
    several: Sequence[Sequence[Counts]], resamples: int, seed: int, metrics: Metrics = METRICS
) -> list[dict[str, tuple[float, Scores]]]:
    """For each of several methods and each metric, the score of all units and that of each draw, mean over seeds."""
    weights = draw_units(len(several[0][0]), resamples, seed)
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
                for name, metric in metrics.items()
            }
        )
    return found


@lru_cache(maxsize=4)
def draw_units(n_units: int, resamples: int, seed: int) -> NDArray[np.float64]:
    """How often each unit is in each draw with replacement ``(R, U)``; the same array for all that are compared."""
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(n_units, np.full(n_units, 1 / n_units), size=resamples).astype(np.float64)
    drawn.flags.writeable = False
    return drawn


def expanded_tail(n_units: int, level: float) -> float:
    """The share of draws to leave out at each end: less than (1 - level) / 2, the fewer units there are."""
    from scipy.stats import norm, t

    if n_units < 2:
        return (1 - level) / 2
    return float(norm.cdf(np.sqrt(n_units / (n_units - 1)) * t.ppf((1 - level) / 2, n_units - 1)))


def percentiles(mean: float, draws: Scores, tail: float) -> Interval:
    """A score with the interval that leaves out the share ``tail`` of its draws at each end."""
    low, high = np.quantile(draws, (tail, 1 - tail))
    return Interval(mean, float(low), float(high))
