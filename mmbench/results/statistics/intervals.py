"""Intervals of scores, which stay between 0 and 1, and of differences, from a variance and its degrees of freedom."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmbench.results.statistics.outcomes import Outcomes
from mmbench.results.statistics.ratios import Floats, Index, Ratios
from mmbench.results.statistics.variance import (
    OVERLAP,
    OVERLAP_OF_SCORES,
    fewest_seeds,
    make_comparison_design,
    make_influence,
    variances,
)

SCORES = ("accuracy", "balanced_accuracy", "macro_f1")
LEVEL = 0.95
_ROUNDING = 1e-20  # of a variance


@dataclass(frozen=True)
class Interval:
    """A score with its 95 % interval."""

    mean: float
    low: float
    high: float


def score_intervals(outcomes: Outcomes) -> dict[str, Interval]:
    """Accuracy, balanced accuracy and macro F1 over all samples, the mean over seeds, with intervals.

    A method that predicts one class for every sample has a score without an interval: it is certain.
    """
    found = {}
    for name in SCORES:
        ratios = outcomes.ratios(name)
        certain = outcomes.is_constant
        found[name] = Interval(*(ratios.score,) * 3) if certain else share_interval(ratios, outcomes.varies)
    return found


def share_interval(ratios: Ratios, varies: bool = True) -> Interval:
    """A score between 0 and 1 with the interval of its logit (t distribution, delta method).

    Where nothing, or everything, is right there is no spread to see: Wilson's bound for as many samples as there are
    units is taken (Wilson 1927, JASA 22). Where no variance can be estimated, since a class lies in one unit, the
    interval is all of [0, 1].
    """
    variance, free = _variance_of(ratios, varies)
    return share_interval_from(ratios.score, variance, free, ratios.n_units)


def mean_interval(ratios: Ratios, varies: bool, high: float) -> Interval:
    """A mean of numbers from 0 to ``high`` with its interval (t distribution)."""
    variance, free = _variance_of(ratios, varies)
    reach = _half_width(variance, free)
    return Interval(ratios.score, max(ratios.score - reach, 0.0), min(ratios.score + reach, high))


def share_interval_from(score: float, variance: float, free: float, n_units: int) -> Interval:
    """The interval of a score between 0 and 1; see `share_interval`."""
    from scipy.stats import t

    score = min(max(score, 0.0), 1.0)
    if not free:
        return Interval(score, 0.0, 1.0)
    critical = float(t.ppf((1 + LEVEL) / 2, free))
    if score in (0.0, 1.0):
        least = n_units / (n_units + critical**2)
        return Interval(score, least, 1.0) if score else Interval(score, 0.0, 1 - least)
    odds, reach = np.log(score / (1 - score)), critical * np.sqrt(variance) / (score * (1 - score))
    low, high = (float(1 / (1 + np.exp(-np.clip(each, -700, 700)))) for each in (odds - reach, odds + reach))
    return Interval(score, low, high)


def difference_intervals(ours: Outcomes, theirs: Outcomes) -> dict[str, Interval]:
    """By how much ``ours`` scores over ``theirs``, with paired intervals: what makes a person hard for both cancels.

    ValueError unless both are over the same samples.
    """
    check_paired([ours, theirs])
    found, varies = {}, [ours.varies, theirs.varies]
    for name in SCORES:
        pair = [each.ratios(name) for each in (ours, theirs)]
        parts = make_influence(pair, varies).contrast(np.array([[1.0, -1.0]]))
        (variance,), (free,) = variances(parts, make_comparison_design(pair[0], fewest_seeds(pair, varies)))
        found[name] = difference_interval(pair[0].score - pair[1].score, variance, free, pair[0].n_units)
    return found


def difference_interval(mean: float, variance: float, free: float, n_units: int, level: float = LEVEL) -> Interval:
    """The interval of a difference of scores, within [-1, 1] (t distribution).

    Where all units differ alike there is no spread to see: too few equal signs leave all of [-1, 1] open.
    """
    reach = _half_width(variance, free, level)
    if variance < _ROUNDING and abs(mean) < 1e-12:
        reach = 0.0  # identical predictions
    elif variance < _ROUNDING and p_of_signs(n_units) >= 1 - level:
        reach = np.inf
    return Interval(mean, max(mean - reach, -1.0), min(mean + reach, 1.0))


def combination_intervals(hits: Floats, support: Floats, unit: Index, fold: Index, weights: Floats) -> list[Interval]:
    """Weighted sums of balanced accuracies with paired intervals, a row of ``weights`` ``(M, N)`` each.

    ``hits`` ``(N, S, Z, C)`` counts what is right under each of N conditions, by seed, cell and class, of ``support``
    ``(S, Z, C)`` samples; ``unit`` and ``fold`` ``(Z,)`` are those of the cells. A row of weights that sums to 1 is a
    score, any other a change or a share of one.
    """
    several = [Ratios(each, support, unit, fold) for each in hits]
    scores = np.array([ratios.score for ratios in several])
    parts = make_influence(several, [True] * len(several)).contrast(weights)
    is_score = np.isclose(weights.sum(axis=1), 1)
    overlap = np.where(is_score, OVERLAP_OF_SCORES, OVERLAP)
    spread, free = variances(parts, make_comparison_design(several[0]), overlap)
    return [
        share_interval_from(float(mean), variance, degrees, several[0].n_units)
        if score
        else difference_interval(float(mean), variance, degrees, several[0].n_units)
        for score, mean, variance, degrees in zip(is_score, weights @ scores, spread, free, strict=True)
    ]


def check_paired(several: Sequence[Outcomes]) -> None:
    """ValueError unless all predict the same samples."""
    first, *others = several
    for other in others:
        if len(other.labels) != len(first.labels):
            raise ValueError(f"{len(first.labels)} samples against {len(other.labels)}")
        if not all(np.array_equal(getattr(first, name), getattr(other, name)) for name in ("labels", "unit", "fold")):
            raise ValueError("other samples, units or folds")


def p_of_signs(n_units: int) -> float:
    """The two-sided p of as many equal signs as there are units."""
    return float(min(1.0, 2.0 ** (1 - n_units)))


def _variance_of(ratios: Ratios, varies: bool) -> tuple[float, float]:
    parts = make_influence([ratios], [varies])
    (variance,), (free,) = variances(parts, make_comparison_design(ratios), OVERLAP_OF_SCORES)
    return float(variance), float(free)


def _half_width(variance: float, free: float, level: float = LEVEL) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + level) / 2, free) * np.sqrt(variance)) if free else np.inf
