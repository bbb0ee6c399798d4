"""Metrics of rank, which are no functions of sums over samples: areas under curves, and Spearman's correlation."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from mmbench import Metric
from mmbench.builtin.metrics.counts import Values
from mmbench.builtin.metrics.regression import Pearson


class Auroc(Metric):
    """Area under the ROC curve: mean over classes, each against the rest by its probability, or over labels.

    Classes and labels that all samples or none have are left out; 0.5 where no other is left.
    """

    name = "auroc"
    title = "AUROC"
    kinds = ("class", "labels")
    chance = 0.5
    additive = False

    def score(self, target: NDArray[np.generic], outputs: NDArray[np.floating]) -> float:
        """Mean of the areas: probabilities that a positive sample ranks above a negative one."""
        areas = [_area(truth, scores) for truth, scores in _one_against_rest(target, outputs) if not truth.all()]
        return float(np.mean(areas)) if areas else 0.5


class _MeanPrecision(Metric):
    additive = False

    def score(self, target: NDArray[np.generic], outputs: NDArray[np.floating]) -> float:
        """Mean average precision."""
        areas = [_average_precision(truth, scores) for truth, scores in _one_against_rest(target, outputs)]
        return float(np.mean(areas)) if areas else 0.0


class Auprc(_MeanPrecision):
    """Average precision, the area under the precision-recall curve: mean over classes, each against the rest.

    Classes that do not occur are left out.
    """

    name = "auprc"
    title = "AUPRC"
    kinds = ("class",)


class MeanAveragePrecision(_MeanPrecision):
    """Mean average precision (mAP) over the labels that occur; 0 where none does."""

    name = "mean_average_precision"
    title = "mAP"
    kinds = ("labels",)


class Spearman(Metric):
    """Spearman's rank correlation, mean over targets; 0 for a target that is constant or constantly predicted."""

    name = "spearman"
    title = "Spearman's ρ"
    kinds = ("values",)
    bounds = (-1.0, 1.0)
    chance = 0.0
    additive = False

    def score(self, target: NDArray[np.generic], outputs: NDArray[np.floating]) -> float:
        """Pearson's correlation of the ranks."""
        return Pearson().score(_ranks(target), _ranks(outputs))


def _one_against_rest(
    target: NDArray[np.generic], outputs: NDArray[np.floating]
) -> Iterator[tuple[NDArray[np.bool_], Values]]:
    """Which samples have a class or label, and the scores they are ranked by, for those that occur."""
    is_there = target.astype(bool) if target.ndim == 2 else np.arange(outputs.shape[1]) == target[:, None]
    scores = outputs.astype(np.float64) if target.ndim == 2 else log_softmax(outputs.astype(np.float64), axis=1)
    for at in np.flatnonzero(is_there.any(axis=0)):
        yield is_there[:, at], scores[:, at]


def _ranks(values: NDArray[np.generic]) -> Values:
    """Ranks from 1 in each column; equal values share their mean rank, as in scipy.stats.rankdata."""
    if values.ndim == 2:
        return np.stack([_ranks(column) for column in values.T], axis=1)
    _, at, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2)[at])


def _area(truth: NDArray[np.bool_], scores: Values) -> float:
    """The Mann-Whitney statistic over the number of pairs; equal scores count half."""
    n = int(truth.sum())
    return float((_ranks(scores)[truth].sum() - n * (n + 1) / 2) / (n * (len(truth) - n)))


def _average_precision(truth: NDArray[np.bool_], scores: Values) -> float:
    """Sum of precision times the step in recall at each threshold, without interpolation."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)  # equal scores share a threshold
    hits = np.cumsum(truth[order])[last]
    return float((np.diff(hits, prepend=0) * hits / (last + 1)).sum() / hits[-1])


METRICS: tuple[type[Metric], ...] = (Auroc, Auprc, MeanAveragePrecision, Spearman)
