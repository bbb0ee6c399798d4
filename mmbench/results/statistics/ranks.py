"""Ranks of methods over several datasets: mean ranks with intervals, Friedman test, pairwise comparisons.

The tests permute the ranks within each dataset, which is valid for any number of datasets and with equal ranks, where
the chi-squared and the studentised range distributions hold for many datasets only (Friedman 1937, JASA 32; Demšar
2006, JMLR 7).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from mmbench.results.statistics.cells import CellScore, Floats, sum_by
from mmbench.results.statistics.contrasts import ALPHA
from mmbench.results.statistics.intervals import LEVEL, Interval

LEAST_DATASETS, LEAST_METHODS = 3, 3
N_DRAWS = 20_000
_N_BOOTSTRAP = 4_000
_CHUNK = 2_000_000  # weights of units that are drawn at once
_DIGITS = 9  # of scores in units of the largest: smaller differences are rounding errors


@dataclass(frozen=True)
class DatasetScores:
    """Scores ``(M,)`` of M methods on one dataset, the larger the better, and contributions of its units ``(M, U)``."""

    scores: Floats
    influence: Floats


@dataclass(frozen=True)
class RankedPair:
    """Two methods, as indices, with the difference of their mean ranks, and p adjusted for all pairs."""

    first: int
    second: int
    difference: float
    p: float

    @property
    def is_significant(self) -> bool:
        """Whether p is below 0.05."""
        return self.p < ALPHA


@dataclass(frozen=True)
class RankTest:
    """Friedman test of M methods on N datasets: chi-squared corrected for equal ranks, and p by permutation.

    ``critical`` is the smallest difference of mean ranks that is significant at 5 % between any two methods; None where
    no difference can be. ``pairs`` are in the order of methods.
    """

    statistic: float
    p: float
    critical: float | None
    pairs: tuple[RankedPair, ...]


def unit_influence(score: CellScore) -> Floats:
    """First-order contributions ``(U,)`` of units to a score, mean over seeds; they sum to 0."""
    return np.asarray(sum_by(score.unit, score.residuals().mean(axis=0), score.n_units).sum(axis=1))


def rank_scores(scores: Floats) -> Floats:
    """Ranks of scores ``(M, ...)`` along the first axis, 1 for the largest; equal scores share their mean rank."""
    scale = float(np.abs(scores).max(initial=0.0)) or 1.0
    rounded = np.round(scores / scale, _DIGITS)
    above = (rounded[None] > rounded[:, None]).sum(axis=1)
    equal = (rounded[None] == rounded[:, None]).sum(axis=1)
    return np.asarray(above + (equal + 1) / 2, dtype=np.float64)


def mean_rank_intervals(datasets: Sequence[DatasetScores], random: np.random.Generator) -> list[Interval]:
    """The mean rank of each method over N datasets with a percentile interval.

    The bootstrap draws datasets, and within each of them units, whose scores follow from the contributions of units.
    """
    n = len(datasets)
    observed = np.stack([rank_scores(each.scores) for each in datasets], axis=1).mean(axis=1)
    drawn = random.integers(0, n, size=(_N_BOOTSTRAP, n))
    sums = np.zeros((len(observed), _N_BOOTSTRAP))
    for at, each in enumerate(datasets):
        rows = np.nonzero(drawn == at)[0]
        for part in np.array_split(rows, max(1, len(rows) * each.influence.shape[1] // _CHUNK)):
            np.add.at(sums.T, part, rank_scores(_draw_scores(each, len(part), random)).T)
    low, high = np.quantile(sums / n, ((1 - LEVEL) / 2, (1 + LEVEL) / 2), axis=1)
    # The observed mean may lie outside of quantiles, since ranks are not smooth.
    return [
        Interval(float(mean), float(min(mean, least)), float(max(mean, most)))
        for mean, least, most in zip(observed, low, high, strict=True)
    ]


def _draw_scores(dataset: DatasetScores, n: int, random: np.random.Generator) -> Floats:
    """Scores ``(M, n)`` of n bootstrap samples of the units."""
    n_units = dataset.influence.shape[1]
    weights = random.multinomial(n_units, np.full(n_units, 1 / n_units), size=n) - 1.0
    return np.asarray(dataset.scores[:, None] + dataset.influence @ weights.T)


def rank_test(ranks: Floats, random: np.random.Generator) -> RankTest:
    """The tests of ranks ``(M, N)`` of M methods on N datasets; ValueError for fewer than 3 of either."""
    n_methods, n_datasets = ranks.shape
    if n_methods < LEAST_METHODS or n_datasets < LEAST_DATASETS:
        raise ValueError(f"{n_methods} methods on {n_datasets} datasets")
    drawn = random.permuted(np.broadcast_to(ranks.T, (N_DRAWS, n_datasets, n_methods)), axis=2).mean(axis=1)
    spread, reach = np.var(drawn, axis=1), drawn.max(axis=1) - drawn.min(axis=1)
    means = ranks.mean(axis=1)
    pairs = tuple(
        RankedPair(one, other, float(means[one] - means[other]), _share(reach, abs(float(means[one] - means[other]))))
        for one, other in combinations(range(n_methods), 2)
    )
    return RankTest(_friedman(ranks), _share(spread, float(np.var(means))), _critical(reach), pairs)


def _friedman(ranks: Floats) -> float:
    """Friedman's chi-squared corrected for equal ranks; 0 where all ranks are equal."""
    n_methods, n_datasets = ranks.shape
    within = float(np.square(ranks - (n_methods + 1) / 2).sum())
    between = float(np.square(ranks.sum(axis=1) - n_datasets * (n_methods + 1) / 2).sum())
    return (n_methods - 1) * between / within if within else 0.0


def _share(drawn: Floats, observed: float) -> float:
    """The share of permutations that are as large as what was observed, which counts as one of them."""
    return float((1 + np.count_nonzero(drawn >= observed - 1e-9)) / (1 + len(drawn)))


def _critical(reach: Floats) -> float | None:
    """The smallest value that at most 5 % of the permutations reach; None if more than that have the largest."""
    values, counts = np.unique(np.round(reach, _DIGITS), return_counts=True)
    at_least = (1 + np.cumsum(counts[::-1])[::-1]) / (1 + len(reach))
    significant = values[at_least < ALPHA]
    return float(significant[0]) if len(significant) else None
