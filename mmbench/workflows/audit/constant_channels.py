"""Constant channels, and channels of which a single number predicts the label."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mmbench.data import Fold
from mmbench.training import balanced_accuracy, confusion_matrix
from mmbench.workflows.audit.findings import SuspectChannel
from mmbench.workflows.audit.probe_features import ProbeFeatures

Index = NDArray[np.int64]

LABEL_LIKE = 0.95
"""Balanced accuracy of a single number from which its channel counts as label-like."""

_NEIGHBOURS = 5


def find_suspect_channels(
    features: Mapping[str, ProbeFeatures], labels: Index, folds: Sequence[Fold], n_classes: int
) -> list[SuspectChannel]:
    """Suspect channels of all modalities; ``folds`` are those of the strictest protocol."""
    return [
        suspect
        for name, each in features.items()
        for channel, columns in each.channels.items()
        for suspect in _check_channel(name, channel, each.x[:, columns], labels, folds, n_classes)
    ]


def _check_channel(
    modality: str, channel: str, x: NDArray[np.float32], labels: Index, folds: Sequence[Fold], n_classes: int
) -> Iterator[SuspectChannel]:
    present = ~np.isnan(x[:, 0])
    varying = [
        values for values in x.T if present.any() and np.ptp(values[present]) > 1e-6 * np.abs(values[present]).max()
    ]
    if present.any() and not varying:
        yield SuspectChannel(modality, channel, "constant")
    scores = [_score(values, present, labels, folds, n_classes) for values in varying]
    if scores and max(scores) >= LABEL_LIKE:
        yield SuspectChannel(modality, channel, "label-like", max(scores))


def _score(
    values: NDArray[np.float32], present: NDArray[np.bool_], labels: Index, folds: Sequence[Fold], n_classes: int
) -> float:
    """Balanced accuracy of nearest neighbours by one number, over the samples that have it."""
    counts = np.zeros((n_classes, n_classes))
    for fold in folds:
        train, test = (rows[present[rows]] for rows in (fold.train, fold.test))
        if len(train) and len(test):
            predicted = _nearest(values[train], labels[train], values[test], n_classes)
            counts += confusion_matrix(labels[test], predicted, n_classes)
    return float(balanced_accuracy(counts))


def _nearest(known: NDArray[np.float32], labels: Index, queries: NDArray[np.float32], n_classes: int) -> Index:
    """The most frequent class ``(m,)`` among the nearest of ``known`` values for each of ``queries``."""
    order = np.argsort(known, kind="stable")
    places = np.searchsorted(known[order], queries)[:, None] + np.arange(-_NEIGHBOURS, _NEIGHBOURS)
    around = order[np.clip(places, 0, len(known) - 1)]
    nearest = np.argsort(np.abs(known[around] - queries[:, None]), axis=1, kind="stable")[:, :_NEIGHBOURS]
    near = np.take_along_axis(labels[around], nearest, axis=1)
    votes = (near[:, :, None] == np.arange(n_classes)).sum(axis=1)
    return np.asarray(votes.argmax(axis=1), dtype=np.int64)
