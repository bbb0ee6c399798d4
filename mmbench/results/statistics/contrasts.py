"""Simultaneous tests and intervals of differences between methods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Metric
from mmbench.results.statistics.cells import CellScore, Floats
from mmbench.results.statistics.distributions import normal_tail, normal_upper_quantile, t_tail
from mmbench.results.statistics.intervals import (
    LEVEL,
    NO_DIFFERENCE,
    NO_SPREAD,
    Interval,
    Scale,
    check_paired,
    difference_interval,
    make_scale,
    p_of_signs,
)
from mmbench.results.statistics.outcomes import Outcomes
from mmbench.results.statistics.variance import (
    OVERLAP_OF_SCORES,
    Design,
    Influence,
    fewest_seeds,
    make_comparison_design,
    make_influence,
    variances,
)

ALPHA = 1 - LEVEL
_DRAWS = 20_000


@dataclass(frozen=True)
class Contrast:
    """A difference of scores.

    ``p`` is two-sided and adjusted for all differences tested together; ``interval`` excludes 0 exactly where ``p`` is
    below 0.05. ``raw_p`` is not adjusted. ``error`` is the standard error, ``free`` its degrees of freedom.
    """

    interval: Interval
    p: float
    raw_p: float
    error: float
    free: float


@dataclass(frozen=True)
class MethodScores:
    """Scores ``(M,)`` of methods over the same samples by ``metric``, and the parts of their variances."""

    names: tuple[str, ...]
    scores: Floats
    parts: Influence
    design: Design
    n_units: int
    metric: Metric

    @property
    def scale(self) -> Scale:
        """Bounds and unit of the scores."""
        return make_scale(self.metric, self.scores)

    @property
    def sign(self) -> int:
        """1 where higher scores are better, else -1."""
        return 1 if self.metric.higher_is_better else -1

    def contrasts(self, weights: Floats) -> list[Contrast]:
        """Weighted sums of the scores, one per row of ``weights`` ``(R, M)``, tested simultaneously (two-sided)."""
        parts, means = self.parts.contrast(weights), weights @ self.scores
        spread, free = variances(parts, self.design)
        scale = self.scale
        raw = np.array([two_sided(*each, self.n_units, scale.unit) for each in zip(means, spread, free, strict=True)])
        adjusted, level = adjust(raw, draw_maxima(parts.covariance())) if len(raw) > 1 else (raw, ALPHA)
        return [
            Contrast(
                _inverted(mean, variance, degrees, level, p, self.n_units, scale),
                p,
                p_alone,
                float(np.sqrt(variance)),
                degrees,
            )
            for mean, variance, degrees, p, p_alone in zip(
                means.tolist(), spread.tolist(), free.tolist(), adjusted.tolist(), raw.tolist(), strict=True
            )
        ]

    def without(self, removed: set[int]) -> "MethodScores":
        """The scores without some methods, by index."""
        keep = [at for at in range(len(self.names)) if at not in removed]
        parts = self.parts.contrast(np.eye(len(self.names))[keep])
        names = tuple(self.names[at] for at in keep)
        return MethodScores(names, self.scores[keep], parts, self.design, self.n_units, self.metric)


def make_method_scores(outcomes: Mapping[str, Outcomes]) -> MethodScores:
    """Scores of methods, means over their seeds; raises ValueError unless over the same samples."""
    several = list(outcomes.values())
    check_paired(several)
    metric = several[0].metric
    return _make_method_scores(tuple(outcomes), [each.linearise(metric) for each in several], several)


def make_scores_over_chance(outcomes: Mapping[str, Outcomes], within_units: bool) -> MethodScores:
    """Scores of methods above chance; see `Outcomes.over_chance`."""
    several = list(outcomes.values())
    check_paired(several)
    return _make_method_scores(tuple(outcomes), [each.over_chance(within_units) for each in several], several)


def _make_method_scores(
    names: tuple[str, ...], found: Sequence[CellScore], outcomes: Sequence[Outcomes]
) -> MethodScores:
    scores = np.array([each.score for each in found])
    varies = [each.varies for each in outcomes]
    design = make_comparison_design(found[0], fewest_seeds(found, varies))
    metric = outcomes[0].metrics[outcomes[0].metric]
    return MethodScores(names, scores, make_influence(found, varies), design, found[0].n_units, metric)


def two_sided(mean: float, variance: float, free: float, n_units: int, unit: float = 1.0) -> float:
    """The p of a difference by the t test; 1 if no variance can be estimated.

    Where all units differ by the same amount the variance is 0: the p is then that of the sign test.
    """
    if abs(mean) < NO_DIFFERENCE * unit or not free:
        return 1.0
    if variance < NO_SPREAD * unit**2:
        return p_of_signs(n_units)
    return 2 * t_tail(float(abs(mean) / np.sqrt(variance)), free)


def adjust(raw: Floats, largest: Floats) -> tuple[Floats, float]:
    """Single-step adjusted p values, and the level of each test at which the family-wise error is 5 %.

    ``largest`` holds draws of the largest absolute value of standard normals with the correlations of the differences
    (Hothorn, Bretz & Westfall 2008, Biometrical Journal 50). No value exceeds that of Bonferroni.
    """
    ordered = np.sort(largest)
    z = normal_upper_quantile(np.minimum(raw, 1.0) / 2)
    beyond = 1 - np.searchsorted(ordered, z, side="left") / len(ordered)
    adjusted = np.clip(beyond, raw, np.minimum(1.0, raw * len(raw)))
    quantile = ordered[len(ordered) - round(ALPHA * len(ordered))]
    level = float(np.clip(2 * normal_tail(quantile), ALPHA / max(len(raw), 1), ALPHA))
    return adjusted, level


def draw_maxima(covariance: Floats, absolute: bool = True) -> Floats:
    """Draws ``(R,)`` of the maximum of standardised normal variables, with a fixed seed."""
    normal = np.random.default_rng(0).standard_normal((_DRAWS, len(covariance)))
    values, vectors = np.linalg.eigh(covariance)
    draws = normal @ (vectors * np.sqrt(np.maximum(values, 0))).T
    deviations = np.sqrt(np.maximum(np.diag(covariance), 0))
    scaled = np.divide(draws, deviations, out=np.zeros_like(draws), where=deviations > 1e-10)
    return np.asarray((np.abs(scaled) if absolute else scaled).max(axis=1, initial=-np.inf))


def _inverted(
    mean: float, variance: float, free: float, level: float, p: float, n_units: int, scale: Scale
) -> Interval:
    """The interval that excludes 0 exactly where the adjusted p is below 0.05."""
    if variance < NO_SPREAD * scale.unit**2 and abs(mean) >= NO_DIFFERENCE * scale.unit:
        largest = scale.largest_difference
        return Interval(mean, mean, mean) if p < ALPHA else Interval(mean, -largest, largest)
    return difference_interval(mean, variance, free, n_units, scale, 1 - level)


def pairwise_weights(pairs: Sequence[tuple[int, int]], n_methods: int) -> Floats:
    """Weights ``(R, M)`` of differences: the first of each pair minus the second."""
    weights = np.zeros((len(pairs), n_methods))
    for row, (first, second) in zip(weights, pairs, strict=True):
        row[first] += 1
        row[second] -= 1
    return weights


def one_sided_above(scores: MethodScores) -> NDArray[np.float64]:
    """One-sided p ``(M,)`` of each score above 0, adjusted for their number, with the variances of scores."""
    spread, free = variances(scores.parts, scores.design, OVERLAP_OF_SCORES)
    raw, unit = np.ones(len(scores.scores)), scores.scale.unit
    for at, (mean, variance, degrees) in enumerate(zip(scores.scores, spread, free, strict=True)):
        if degrees and variance >= NO_SPREAD * unit**2:
            raw[at] = t_tail(mean / np.sqrt(variance), degrees)
        elif degrees and mean > NO_DIFFERENCE * unit:
            raw[at] = 2.0**-scores.n_units
    testable = raw < 1
    largest = (
        draw_maxima(scores.parts.covariance()[np.ix_(testable, testable)], absolute=False) if testable.any() else raw
    )
    ordered = np.sort(largest)
    beyond = 1 - np.searchsorted(ordered, normal_upper_quantile(raw), side="left") / len(ordered)
    return np.asarray(np.clip(beyond, raw, np.minimum(1.0, raw * max(int(testable.sum()), 1))))
