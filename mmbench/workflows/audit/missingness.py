"""Missingness as a shortcut: how well the pattern of missing inputs alone predicts the label."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mmbench.data import Fold
from mmbench.results import t_tail
from mmbench.training import balanced_accuracy
from mmbench.workflows.audit.findings import Missingness
from mmbench.workflows.audit.probe import confusion_matrices
from mmbench.workflows.audit.random_labels import LabelUnits

Index = NDArray[np.int64]

N_PERMUTATIONS = 199
"""Label permutations that the score is compared with."""


def probe_missingness(
    present: Mapping[str, NDArray[np.bool_]], labels: Index, units: LabelUnits, folds: Sequence[Fold], n_classes: int
) -> Missingness | None:
    """Predict labels ``(n,)`` from ``present`` ``(n, K)`` by modality, fold by fold; None if nothing is missing.

    A test sample gets the class that is most over-represented among training samples with its pattern: which
    modalities are present, or how many instances of each. Labels are permuted among the units of a scope, so that
    samples of a unit keep a common label.
    """
    counts = np.stack([each.sum(axis=1) for each in present.values()], axis=1)
    patterns = [np.unique(each, axis=0, return_inverse=True)[1].ravel() for each in (counts > 0, counts)]
    patterns = [each for each in patterns if each.max() > 0]
    if not patterns:
        return None
    labellings = _permuted(labels, units)
    scores = np.max([_score(each, labellings, folds, n_classes) for each in patterns], axis=0)
    score, others = float(scores[0]), scores[1:]
    return Missingness(score, float(others.mean()), _p_value(score, others, sum(len(fold.test) for fold in folds)))


def _p_value(score: float, others: NDArray[np.float64], n_samples: int) -> float:
    """One-sided p: by rank; below the resolution of ranks, by the t test of one more draw."""
    rank = (1 + int((others >= score).sum())) / (1 + len(others))
    if rank > 1 / (1 + len(others)):
        return rank
    spread = max(float(others.std(ddof=1)), 0.5 / np.sqrt(n_samples)) * np.sqrt(1 + 1 / len(others))
    return float(min(rank, max(1e-16, t_tail(float((score - others.mean()) / spread), len(others) - 1))))


def _permuted(labels: Index, units: LabelUnits) -> Index:
    """The labels ``(n, 1 + SHIFTS)``: as they are, then permuted among the carriers of each scope."""
    random = np.random.default_rng(0)
    carriers, first = np.unique(units.carriers, return_index=True)
    at, scopes = np.searchsorted(carriers, units.carriers), units.scopes[first]
    found = [labels]
    for _ in range(N_PERMUTATIONS):
        order = np.lexsort((random.random(len(first)), scopes))
        mixed = np.empty(len(first), dtype=np.int64)
        mixed[np.argsort(scopes, kind="stable")] = labels[first][order]
        found.append(mixed[at])
    return np.stack(found, axis=1)


def _score(patterns: Index, labellings: Index, folds: Sequence[Fold], n_classes: int) -> NDArray[np.float64]:
    predicted = np.zeros_like(labellings)
    tested = np.concatenate([fold.test for fold in folds])
    for fold in folds:
        predicted[fold.test] = _predict(patterns, labellings, fold, n_classes)
    return np.asarray(balanced_accuracy(confusion_matrices(labellings[tested], predicted[tested], n_classes)))


def _predict(patterns: Index, labellings: Index, fold: Fold, n_classes: int) -> Index:
    n_patterns = int(patterns.max()) + 1
    known = patterns[fold.train]
    shares = []
    for label in range(n_classes):
        is_label = (labellings[fold.train] == label).astype(np.float64)
        counts = np.zeros((n_patterns, labellings.shape[1]))
        np.add.at(counts, known, is_label)
        shares.append(counts / np.maximum(is_label.sum(axis=0), 1))
    votes = np.stack(shares, axis=2)[patterns[fold.test]]
    return np.asarray(votes.argmax(axis=2), dtype=np.int64)
