"""Metrics of classes; F1 scores of labels as well."""

import numpy as np
from numpy.typing import NDArray

from mmbench import Metric
from mmbench.builtin.metrics.counts import CountMetric, Counts, Values, f1_scores, mean_where, ratio

_ROUNDING = 1e-12  # of the largest value: what sums of counts may be off by


class Accuracy(Metric):
    """Share of samples whose class has the largest logit."""

    name = "accuracy"
    title = "accuracy"
    kinds = ("class",)

    def tally(self, target: NDArray[np.generic], outputs: NDArray[np.floating]) -> Values:
        """1, and 1 where the prediction is right, ``(n, 2)``."""
        return np.column_stack([np.ones(len(target)), outputs.argmax(axis=1) == target])

    def from_sums(self, sums: Values) -> Values:
        """Right predictions over samples."""
        return ratio(sums[..., 1], sums[..., 0])


class BalancedAccuracy(CountMetric):
    """Mean recall over the classes that occur (Brodersen et al. 2010); 1/C without information."""

    name = "balanced_accuracy"
    title = "balanced accuracy"
    kinds = ("class",)

    def of_counts(self, counts: Counts) -> Values:
        """Mean over the classes that occur."""
        return mean_where(ratio(counts.right, counts.support), counts.support > 0)


class MacroF1(CountMetric):
    """Mean F1 over the classes or labels that occur or are predicted."""

    name = "macro_f1"
    title = "macro F1"
    kinds = ("class", "labels")

    def of_counts(self, counts: Counts) -> Values:
        """Mean over the classes or labels that occur or are predicted."""
        return mean_where(*f1_scores(counts))


class WeightedF1(CountMetric):
    """Mean F1 over classes or labels, weighted by how many samples have each; 0 where no sample has any."""

    name = "weighted_f1"
    title = "weighted F1"
    kinds = ("class", "labels")

    def of_counts(self, counts: Counts) -> Values:
        """Mean weighted by support."""
        return ratio((f1_scores(counts)[0] * counts.support).sum(axis=-1), counts.support.sum(axis=-1))


class CohenKappa(CountMetric):
    """Cohen's kappa (1960): agreement beyond that expected of independent predictions of the same frequencies.

    0 where targets and predictions are all of one and the same class, so that no more agreement was possible.
    """

    name = "cohen_kappa"
    title = "Cohen's kappa"
    kinds = ("class",)
    bounds = (-1.0, 1.0)
    chance = 0.0

    def of_counts(self, counts: Counts) -> Values:
        """``(observed - expected) / (1 - expected)``."""
        observed = ratio(counts.right.sum(axis=-1), counts.n)
        expected = ratio((counts.support * counts.predicted).sum(axis=-1), counts.n**2)
        return ratio(observed - expected, _positive(1 - expected, 1.0))


class Mcc(CountMetric):
    """Matthews correlation of several classes (Gorodkin 2004); 0 where targets or predictions are constant."""

    name = "mcc"
    title = "MCC"
    kinds = ("class",)
    bounds = (-1.0, 1.0)
    chance = 0.0

    def of_counts(self, counts: Counts) -> Values:
        """Covariance of targets and predictions over the root of the product of their variances."""
        square = counts.n**2
        covariance = counts.right.sum(axis=-1) * counts.n - (counts.support * counts.predicted).sum(axis=-1)
        spreads = [_positive(square - (each**2).sum(axis=-1), square) for each in (counts.support, counts.predicted)]
        return ratio(covariance, np.sqrt(spreads[0] * spreads[1]))


def _positive(values: Values, scale: Values | float) -> Values:
    """The values, 0 for those within rounding error of it."""
    return np.where(values > _ROUNDING * scale, values, 0.0)


METRICS: tuple[type[Metric], ...] = (Accuracy, BalancedAccuracy, MacroF1, WeightedF1, CohenKappa, Mcc)
