"""Confidence intervals of scores and of differences, from variances and degrees of freedom."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmbench.contract import Metric
from mmbench.results.statistics.cells import CellScore, Floats
from mmbench.results.statistics.distributions import t_quantile
from mmbench.results.statistics.outcomes import Outcomes
from mmbench.results.statistics.ratios import Ratios
from mmbench.results.statistics.variance import (
    OVERLAP,
    OVERLAP_OF_SCORES,
    fewest_seeds,
    make_comparison_design,
    make_influence,
    variances,
)

LEVEL = 0.95
LARGEST = float(np.finfo(np.float64).max)
"""Stands for infinity in bounds of intervals, which JSON cannot write."""

NO_SPREAD, NO_DIFFERENCE = 1e-20, 1e-12
"""Variances and differences below, in units of the scale, are rounding errors."""


@dataclass(frozen=True)
class Interval:
    """A score or a difference with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Scale:
    """The bounds of a score, infinite where it has none, and the ``unit`` below which numbers are rounding errors."""

    least: float = 0.0
    most: float = 1.0
    unit: float = 1.0

    @property
    def largest_difference(self) -> float:
        """The largest difference of two scores; `LARGEST` where they are not bounded."""
        return min(float(self.most - self.least), LARGEST)


def make_scale(metric: Metric, scores: Sequence[float] | Floats) -> Scale:
    """The scale of scores by ``metric``; without an upper bound it has the unit of the data, whatever that is."""
    least, most = metric.bounds
    largest = 1.0 if np.isfinite(most) else float(np.max(np.abs(scores), initial=0.0))
    return Scale(float(least), float(most), largest or 1.0)


def score_intervals(outcomes: Outcomes) -> dict[str, Interval]:
    """Scores over all samples by every metric of ``outcomes``, means over seeds, with intervals."""
    return {name: interval_by(outcomes, name) for name in outcomes.metrics}


def interval_by(outcomes: Outcomes, name: str) -> Interval:
    """The score over all samples by one metric of ``outcomes``, the mean over seeds, with its interval.

    Where one class is predicted for every sample the score is certain, and the interval has no width.
    """
    score = outcomes.linearise(name)
    if outcomes.is_constant and outcomes.is_ratio(name):
        return Interval(*(score.score,) * 3)
    return score_interval(score, outcomes.metrics[name], outcomes.varies)


def score_interval(score: CellScore, metric: Metric, varies: bool = True) -> Interval:
    """A score with its interval (t distribution), on the logit scale where ``metric`` has two bounds (delta method).

    For correlations, between -1 and 1, that is the scale of Fisher's z. For scores at a bound, the other end is
    Wilson's for as many samples as there are units (Wilson 1927, JASA 22). Where no variance can be estimated, such as
    if all samples of a class are of one unit, the interval reaches from bound to bound.
    """
    variance, free = _variance_of(score, varies)
    return score_interval_from(score.score, variance, free, score.n_units, make_scale(metric, [score.score]))


def mean_interval(ratios: Ratios, varies: bool, high: float) -> Interval:
    """A mean of numbers from 0 to ``high`` with its interval (t distribution)."""
    variance, free = _variance_of(ratios, varies)
    reach = _half_width(variance, free)
    return Interval(ratios.score, max(ratios.score - reach, 0.0), min(ratios.score + reach, high))


def share_interval(score: CellScore, varies: bool = True) -> Interval:
    """A score between 0 and 1 with its interval; see `score_interval`."""
    variance, free = _variance_of(score, varies)
    return share_interval_from(score.score, variance, free, score.n_units)


def symmetric_interval(score: CellScore, varies: bool) -> Interval:
    """A mean of any numbers with its interval (t distribution)."""
    variance, free = _variance_of(score, varies)
    return score_interval_from(score.score, variance, free, score.n_units, Scale(-np.inf, np.inf))


def score_interval_from(score: float, variance: float, free: float, n_units: int, scale: Scale) -> Interval:
    """The interval of a score; see `score_interval`."""
    span = scale.most - scale.least
    if np.isfinite(span):
        share = share_interval_from((score - scale.least) / span, variance / span**2, free, n_units)
        return Interval(*(scale.least + span * each for each in (share.mean, share.low, share.high)))
    reach = _half_width(variance, free)
    return Interval(score, max(score - reach, scale.least, -LARGEST), min(score + reach, scale.most, LARGEST))


def share_interval_from(score: float, variance: float, free: float, n_units: int) -> Interval:
    """The interval of a score between 0 and 1; see `score_interval`."""
    score = min(max(score, 0.0), 1.0)
    if not free:
        return Interval(score, 0.0, 1.0)
    critical = t_quantile((1 + LEVEL) / 2, free)
    if score in (0.0, 1.0):
        least = n_units / (n_units + critical**2)
        return Interval(score, least, 1.0) if score else Interval(score, 0.0, 1 - least)
    odds, reach = np.log(score / (1 - score)), critical * np.sqrt(variance) / (score * (1 - score))
    low, high = (float(1 / (1 + np.exp(-np.clip(each, -700, 700)))) for each in (odds - reach, odds + reach))
    return Interval(score, low, high)


def difference_intervals(ours: Outcomes, theirs: Outcomes) -> dict[str, Interval]:
    """Scores of ``ours`` minus ``theirs`` with paired intervals: what is common to both per unit cancels.

    Raises ValueError unless both are over the same samples.
    """
    check_paired([ours, theirs])
    found, varies = {}, [ours.varies, theirs.varies]
    for name, metric in ours.metrics.items():
        pair = [each.linearise(name) for each in (ours, theirs)]
        parts = make_influence(pair, varies).contrast(np.array([[1.0, -1.0]]))
        (variance,), (free,) = variances(parts, make_comparison_design(pair[0], fewest_seeds(pair, varies)))
        scale = make_scale(metric, [each.score for each in pair])
        found[name] = difference_interval(pair[0].score - pair[1].score, variance, free, pair[0].n_units, scale)
    return found


def difference_interval(
    mean: float, variance: float, free: float, n_units: int, scale: Scale, level: float = LEVEL
) -> Interval:
    """The interval of a difference of scores, no larger than the largest difference (t distribution).

    Where all units differ by the same amount and too few for a sign test, it may be any difference.
    """
    reach, largest = _half_width(variance, free, level), scale.largest_difference
    has_no_spread = variance < NO_SPREAD * scale.unit**2
    if has_no_spread and abs(mean) < NO_DIFFERENCE * scale.unit:
        reach = 0.0  # identical predictions
    elif has_no_spread and p_of_signs(n_units) >= 1 - level:
        reach = np.inf
    return Interval(mean, max(mean - reach, -largest), min(mean + reach, largest))


def combination_intervals(
    several: Sequence[CellScore], weights: Floats, metric: Metric, varies: bool = True
) -> list[Interval]:
    """Weighted sums of N scores over the same cells with paired intervals, one per row of ``weights`` ``(M, N)``.

    A row of weights that sums to 1 is a score by ``metric``, any other row a difference.
    """
    scores = np.array([each.score for each in several])
    parts = make_influence(several, [varies] * len(several)).contrast(weights)
    is_score = np.isclose(weights.sum(axis=1), 1)
    overlap = np.where(is_score, OVERLAP_OF_SCORES, OVERLAP)
    spread, free = variances(parts, make_comparison_design(several[0]), overlap)
    n_units, scale = several[0].n_units, make_scale(metric, scores)
    return [
        score_interval_from(float(mean), variance, degrees, n_units, scale)
        if score
        else difference_interval(float(mean), variance, degrees, n_units, scale)
        for score, mean, variance, degrees in zip(is_score, weights @ scores, spread, free, strict=True)
    ]


def check_paired(several: Sequence[Outcomes]) -> None:
    """Raise ValueError unless all predict the same samples."""
    first, *others = several
    for other in others:
        if len(other.labels) != len(first.labels):
            raise ValueError(f"{len(first.labels)} samples against {len(other.labels)}")
        if not all(np.array_equal(getattr(first, name), getattr(other, name)) for name in ("labels", "unit", "fold")):
            raise ValueError("other samples, units or folds")


def p_of_signs(n_units: int) -> float:
    """Two-sided p of the sign test if all units have the same sign."""
    return float(min(1.0, 2.0 ** (1 - n_units)))


def _variance_of(score: CellScore, varies: bool) -> tuple[float, float]:
    parts = make_influence([score], [varies])
    (variance,), (free,) = variances(parts, make_comparison_design(score), OVERLAP_OF_SCORES)
    return float(variance), float(free)


def _half_width(variance: float, free: float, level: float = LEVEL) -> float:
    return float(t_quantile((1 + level) / 2, free) * np.sqrt(variance)) if free else np.inf
