"""Scores of predictions by metrics, and counts of predicted classes."""

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Metric
from mmbench.errors import PluginError
from mmbench.registry import find_metric

Counts = NDArray[np.float64]

METRICS = ("accuracy", "balanced_accuracy", "macro_f1")
"""The metrics of a task of one class that names none, in the order of records."""


def score(metric: Metric, target: NDArray[np.generic], outputs: NDArray[np.floating]) -> float:
    """The score of some predictions; PluginError if it is not a finite number."""
    value = float(metric.score(target, outputs))
    if not np.isfinite(value):
        raise PluginError(
            f"gives {value} for {len(target)} samples",
            where=f"metric {metric.name}",
            remedy="every score must be finite",
        )
    return value


def score_outputs(
    metrics: Mapping[str, Metric], target: NDArray[np.generic], outputs: NDArray[np.floating]
) -> dict[str, float]:
    """The scores of some predictions by name."""
    return {name: score(metric, target, outputs) for name, metric in metrics.items()}


def score_all(labels: NDArray[np.int64], predictions: NDArray[np.int64], n_classes: int) -> dict[str, float]:
    """The scores of predicted classes by `METRICS`."""
    return score_outputs({name: _find(name) for name in METRICS}, labels, np.eye(n_classes)[predictions])


def confusion_matrix(labels: NDArray[np.int64], predictions: NDArray[np.int64], n_classes: int) -> Counts:
    """Counts ``(C, C)``: rows are labels, columns predictions."""
    counts = np.bincount(labels * n_classes + predictions, minlength=n_classes * n_classes)
    return counts.reshape(n_classes, n_classes).astype(np.float64)


def balanced_accuracy(counts: Counts) -> NDArray[np.float64]:
    """Balanced accuracy of confusion matrices ``(..., C, C)``: shape ``(...)``."""
    n, support, predicted = counts.sum(axis=(-2, -1)), counts.sum(axis=-1), counts.sum(axis=-2)
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    return _find("balanced_accuracy").from_sums(np.concatenate([n[..., None], support, predicted, right], axis=-1))


@cache
def _find(name: str) -> Metric:
    return find_metric(name)
