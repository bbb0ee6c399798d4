"""Counts of classes or labels, from which many metrics follow, and ratios that are defined where a count is zero."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmbench import Metric

Values = NDArray[np.float64]


class Counts(NamedTuple):
    """Numbers of samples: all ``(...)``, and by class or label ``(..., C)`` those that have it, those it is predicted
    for, and those where both is so."""

    n: Values
    support: Values
    predicted: Values
    right: Values


class CountMetric(Metric):
    """A metric of counts; ``of_counts`` computes it.

    The sums are the number of samples and the three counts of each class or label: ``1 + 3 C`` columns.
    """

    def tally(self, target: NDArray[np.generic], outputs: NDArray[np.floating]) -> Values:
        """Ones and zeros ``(n, 1 + 3 C)``."""
        truth, predicted = indicate(target, outputs)
        return np.column_stack([np.ones(len(truth)), truth, predicted, truth * predicted])

    def from_sums(self, sums: Values) -> Values:
        """Scores ``(...)`` of sums ``(..., 1 + 3 C)``."""
        return self.of_counts(Counts(sums[..., 0], *np.split(sums[..., 1:], 3, axis=-1)))

    def of_counts(self, counts: Counts) -> Values:
        """Scores ``(...)`` of counts."""
        raise NotImplementedError(f"{type(self).__name__}.of_counts")


def indicate(target: NDArray[np.generic], outputs: NDArray[np.floating]) -> tuple[Values, Values]:
    """Whether each class or label is there and whether it is predicted, both 0 or 1 ``(n, C)``.

    A class is predicted where its logit is the largest, the first of equal ones; a label where its logit is positive.
    """
    if target.ndim == 2:
        return target.astype(np.float64), np.where(outputs > 0, 1.0, 0.0)
    each = np.eye(outputs.shape[1])
    return each[target.astype(np.int64)], each[outputs.argmax(axis=1)]


def f1_scores(counts: Counts) -> tuple[Values, NDArray[np.bool_]]:
    """F1 of each class or label ``(..., C)``, and which of them occur or are predicted; 0 for the others."""
    seen = counts.support + counts.predicted
    return ratio(2 * counts.right, seen), seen > 0


def ratio(part: Values, whole: Values) -> Values:
    """``part / whole``, 0 where ``whole`` is not positive."""
    part = np.asarray(part, dtype=np.float64)
    return np.divide(part, whole, out=np.zeros_like(part), where=np.asarray(whole) > 0)


def mean_where(values: Values, mask: NDArray[np.bool_]) -> Values:
    """Mean over the last axis of the values where ``mask`` is True, 0 where it is nowhere."""
    return ratio((values * mask).sum(axis=-1), mask.sum(axis=-1).astype(np.float64))
