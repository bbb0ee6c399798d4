"""Metrics of several labels a sample; a label is predicted where its logit is positive."""

import numpy as np
from numpy.typing import NDArray

from mmbench import Metric
from mmbench.builtin.metrics.counts import CountMetric, Counts, Values, ratio


class MicroF1(CountMetric):
    """F1 over all pairs of sample and label; 0 where there is none and none is predicted."""

    name = "micro_f1"
    title = "micro F1"
    kinds = ("labels",)

    def of_counts(self, counts: Counts) -> Values:
        """F1 of the counts summed over labels."""
        return ratio(2 * counts.right.sum(axis=-1), (counts.support + counts.predicted).sum(axis=-1))


class ExactMatch(Metric):
    """Share of samples with every label right (subset accuracy)."""

    name = "exact_match"
    title = "exact match"
    kinds = ("labels",)

    def tally(self, target: NDArray[np.generic], outputs: NDArray[np.floating]) -> Values:
        """1, and 1 where every label is right, ``(n, 2)``."""
        return np.column_stack([np.ones(len(target)), ((outputs > 0) == target.astype(bool)).all(axis=1)])

    def from_sums(self, sums: Values) -> Values:
        """Samples with every label right over samples."""
        return ratio(sums[..., 1], sums[..., 0])


METRICS: tuple[type[Metric], ...] = (MicroF1, ExactMatch)
