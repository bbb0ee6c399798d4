"""Confidence intervals of scores and of differences, from variances and degrees of freedom."""

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
    """A score or a difference with its 95 % interval."""

    mean: float
    low: float
    high: float


def score_intervals(outcomes: Outcomes) -> dict[str, Interval]:
    """Accuracy, balanced accuracy and macro F1 over all samples, means over seeds, with intervals.

    Where one class is predicted for every sample the score is certain, and the interval has no width.
    """
    found = {}
    for name in SCORES:
        ratios = outcomes.ratios(name)
        certain = outcomes.is_constant
        found[name] = Interval(*(ratios.score,) * 3) if certain else share_interval(ratios, outcomes.varies)
    return found


def share_interval(ratios: Ratios, varies: bool = True) -> Interval:
    """A score between 0 and 1 with the interval of its logit (t distribution, delta method).

    For scores of exactly 0 or 1 the bound is Wilson's for as many samples as there are units (Wilson 1927, JASA 22).
    Where no variance can be estimated because all samples of a class are of one unit, the interval is [0, 1].
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
    """Scores of ``ours`` minus ``theirs`` with paired intervals: what is common to both per unit cancels.

    Raises ValueError unless both are over the same samples.
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

    Where all units differ by the same amount and too few for a sign test, the interval is [-1, 1].
    """
    reach = _half_width(variance, free, level)
    if variance < _ROUNDING and abs(mean) < 1e-12:
        reach = 0.0  # identical predictions
    elif variance < _ROUNDING and p_of_signs(n_units) >= 1 - level:
        reach = np.inf
    return Interval(mean, max(mean - reach, -1.0), min(mean + reach, 1.0))


def combination_intervals(hits: Floats, support: Floats, unit: Index, fold: Index, weights: Floats) -> list[Interval]:
    """Weighted sums of balanced accuracies with paired intervals, one per row of ``weights`` ``(M, N)``.

    ``hits`` ``(N, S, Z, C)`` counts correct predictions under each of N conditions, by seed, cell and class, of
    ``support`` ``(S, Z, C)`` samples; ``unit`` and ``fold`` ``(Z,)`` are those of the cells. A row of weights that sums
    to 1 is a score, any other row a difference.
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


def _variance_of(ratios: Ratios, varies: bool) -> tuple[float, float]:
    parts = make_influence([ratios], [varies])
    (variance,), (free,) = variances(parts, make_comparison_design(ratios), OVERLAP_OF_SCORES)
    return float(variance), float(free)


def _half_width(variance: float, free: float, level: float = LEVEL) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + level) / 2, free) * np.sqrt(variance)) if free else np.inf
