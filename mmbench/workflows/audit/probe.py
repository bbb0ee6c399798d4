"""The probe of an audit: kernel ridge regression on plain features, fitted to many labellings of a fold at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmbench.contract import Standardize
from mmbench.data import Fold
from mmbench.training import balanced_accuracy

Index = NDArray[np.int64]

# Kernel widths, in units of the median squared distance of training samples, and ridge penalties.
WIDTHS = (0.3, 1.0, 3.0)
RIDGES = (1e-3, 1e-1, 1e1)
MAX_TRAINING = 2000
"""Largest number of training samples; larger training parts are subsampled."""


@dataclass(frozen=True)
class ProbeTask:
    """Features and labellings of the probes of all folds.

    ``features`` holds an array ``(n, D)`` per source, NaN in rows without it; ``labellings`` ``(n, M)`` are class
    indices. ``subjects`` ``(n,)`` are indices of people, for standardising each by their own data.
    """

    features: Mapping[str, NDArray[np.float32]]
    labellings: Index
    n_classes: int
    standardize: Standardize
    subjects: Index


@dataclass(frozen=True)
class ProbePredictions:
    """Predictions for a test part: ``chosen`` ``(n, M)`` by the settings chosen on validation data for each labelling;
    ``oracle`` ``(n,)``, of the first labelling, by the settings that are best on the test part."""

    chosen: Index
    oracle: Index


def probe_fold(task: ProbeTask, fold: Fold, threads: int = 1) -> ProbePredictions:
    """Fit every labelling on the training part and predict the test part.

    The settings are the sources, each alone and all together, and width and ridge penalty of a Gaussian kernel.
    """
    torch.set_num_threads(threads)
    held, tested = (task.labellings[rows] for rows in (fold.validation, fold.test))
    chosen, standing = np.zeros_like(tested), np.full(tested.shape[1], -1.0)
    oracle, best = chosen[:, 0], -1.0
    for validation, test in _predictions(task, _subsample(fold.train, fold.name), (fold.validation, fold.test)):
        scores = balanced_accuracy(confusion_matrices(held, validation, task.n_classes))
        better = scores > standing
        chosen[:, better], standing[better] = test[:, better], scores[better]
        hindsight = float(balanced_accuracy(confusion_matrices(tested[:, :1], test[:, :1], task.n_classes))[0])
        if hindsight > best:
            oracle, best = test[:, 0], hindsight
    return ProbePredictions(chosen, oracle)


def confusion_matrices(labels: Index, predictions: Index, n_classes: int) -> NDArray[np.float64]:
    """Confusion matrices ``(M, C, C)`` of labellings and predictions ``(n, M)``."""
    n_labellings, cells = labels.shape[1], n_classes * n_classes
    flat = np.arange(n_labellings) * cells + labels * n_classes + predictions
    counts = np.bincount(flat.ravel(), minlength=n_labellings * cells)
    return counts.reshape(n_labellings, n_classes, n_classes).astype(np.float64)


def _predictions(task: ProbeTask, train: Index, parts: Sequence[Index]) -> Iterator[list[Index]]:
    """Predicted classes ``(n, M)`` for each part, once for each setting."""
    # Centred: far from all training samples, the prediction is the mean.
    targets = np.eye(task.n_classes)[task.labellings[train]]
    flat = torch.from_numpy((targets - targets.mean(axis=0)).reshape(len(train), -1))
    for squares, others in _distances(task, train, parts):
        # Without the zeros on the diagonal.
        middle = float(squares[~torch.eye(len(train), dtype=torch.bool)].median()) if len(train) > 1 else 1.0
        for width, ridge in product(WIDTHS, RIDGES):
            kernel = torch.exp(-squares / (width * max(middle, 1e-12)))
            kernel.diagonal().add_(ridge)
            weights = torch.cholesky_solve(flat, torch.linalg.cholesky(kernel))
            scores = [torch.exp(-other / (width * max(middle, 1e-12))) @ weights for other in others]
            yield [score.reshape(len(score), -1, task.n_classes).argmax(dim=2).numpy() for score in scores]


def _distances(task: ProbeTask, train: Index, parts: Sequence[Index]) -> Iterator[tuple[Tensor, list[Tensor]]]:
    """Squared distances among training samples and from the parts to them, for each source and for all together."""
    totals: list[Tensor] = []
    for x in task.features.values():
        scaled = _scaled(x, train, task)
        known = scaled[train]
        each = [torch.cdist(scaled[rows], known).square() for rows in (train, *parts)]
        totals = [total + one for total, one in zip(totals, each, strict=True)] if totals else each
        if len(task.features) > 1:
            yield each[0], each[1:]
    yield totals[0], totals[1:]


def _scaled(x: NDArray[np.float32], train: Index, task: ProbeTask) -> Tensor:
    """Standardised features ``(n, D)`` over the square root of D; missing values are 0."""
    scaled = np.empty(x.shape, dtype=np.float64)
    if task.standardize == "subject":
        parts = [(rows, rows) for rows in (np.flatnonzero(task.subjects == one) for one in np.unique(task.subjects))]
    else:
        parts = [(np.arange(len(x)), train)]
    for rows, known in parts:
        there = x[known][~np.isnan(x[known, 0])].astype(np.float64)
        mean, spread = (there.mean(axis=0), there.std(axis=0)) if len(there) else (np.zeros(x.shape[1]), np.ones(1))
        scaled[rows] = (x[rows] - mean) / np.where(spread > 1e-7 * np.abs(mean) + 1e-12, spread, 1.0)
    return torch.from_numpy(np.nan_to_num(scaled) / np.sqrt(x.shape[1]))


def _subsample(rows: Index, name: str) -> Index:
    if len(rows) <= MAX_TRAINING:
        return rows
    random = np.random.default_rng(list(name.encode()))
    return np.sort(random.choice(rows, MAX_TRAINING, replace=False))
