"""Metrics, computed from confusion matrices, which can be added over units."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]
Scores = NDArray[np.float64]


def confusion_matrix(labels: NDArray[np.int64], predictions: NDArray[np.int64], n_classes: int) -> Counts:
    """Counts ``(C, C)``: rows are labels, columns predictions."""
    counts = np.bincount(labels * n_classes + predictions, minlength=n_classes * n_classes)
    return counts.reshape(n_classes, n_classes).astype(np.float64)


def accuracy(counts: Counts) -> Scores:
    """Accuracy of confusion matrices ``(..., C, C)``: shape ``(...)``."""
    return _ratio(np.trace(counts, axis1=-2, axis2=-1), counts.sum(axis=(-2, -1)))


def balanced_accuracy(counts: Counts) -> Scores:
    """Mean recall over the classes that occur among the labels."""
    support = counts.sum(axis=-1)
    return _mean_where(_ratio(_diagonal(counts), support), support > 0)


def macro_f1(counts: Counts) -> Scores:
    """Mean F1 over the classes that occur among labels or predictions."""
    seen = counts.sum(axis=-1) + counts.sum(axis=-2)
    return _mean_where(_ratio(2 * _diagonal(counts), seen), seen > 0)


METRICS: Mapping[str, Callable[[Counts], Scores]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "macro_f1": macro_f1,
}


def score_all(labels: NDArray[np.int64], predictions: NDArray[np.int64], n_classes: int) -> dict[str, float]:
    """Every metric of one set of predictions."""
    counts = confusion_matrix(labels, predictions, n_classes)
    return {name: float(metric(counts)) for name, metric in METRICS.items()}


def _diagonal(counts: Counts) -> Counts:
    return np.diagonal(counts, axis1=-2, axis2=-1)


def _ratio(part: Counts, whole: Counts) -> Counts:
    return np.divide(part, whole, out=np.zeros_like(np.asarray(part, dtype=np.float64)), where=np.asarray(whole) > 0)


def _mean_where(values: Counts, mask: NDArray[np.bool_]) -> Scores:
    return _ratio((values * mask).sum(axis=-1), mask.sum(axis=-1).astype(np.float64))
