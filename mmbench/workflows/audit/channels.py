"""Inputs that are worth a look before any model is trained: what never changes, and what gives the label away."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mmbench.data import Fold
from mmbench.training import balanced_accuracy, confusion_matrix
from mmbench.workflows.audit.evidence import Evidence

Index = NDArray[np.int64]

LIKE = 0.95
"""Balanced accuracy by a single number from which an input is called label-like."""

_NEIGHBOURS = 5


@dataclass(frozen=True)
class Oddity:
    """A channel or feature that is ``constant`` over all samples, or ``label-like``: a single number of it tells the
    class of people or trials that were held out, with the balanced accuracy ``score``."""

    modality: str
    channel: str
    what: Literal["constant", "label-like"]
    score: float | None = None


def find_oddities(
    evidence: Mapping[str, Evidence], labels: Index, folds: Sequence[Fold], n_classes: int
) -> list[Oddity]:
    """Oddities of all modalities; ``folds`` are those of the strictest protocol there is."""
    return [
        oddity
        for name, shown in evidence.items()
        for channel, columns in shown.channels.items()
        for oddity in _look_at(name, channel, shown.x[:, columns], labels, folds, n_classes)
    ]


def _look_at(
    modality: str, channel: str, x: NDArray[np.float32], labels: Index, folds: Sequence[Fold], n_classes: int
) -> Iterator[Oddity]:
    there = ~np.isnan(x[:, 0])
    moving = [values for values in x.T if there.any() and np.ptp(values[there]) > 1e-6 * np.abs(values[there]).max()]
    if there.any() and not moving:
        yield Oddity(modality, channel, "constant")
    scores = [_score(values, there, labels, folds, n_classes) for values in moving]
    if scores and max(scores) >= LIKE:
        yield Oddity(modality, channel, "label-like", max(scores))


def _score(
    values: NDArray[np.float32], there: NDArray[np.bool_], labels: Index, folds: Sequence[Fold], n_classes: int
) -> float:
    """Balanced accuracy of the nearest training samples by one number, over the samples that have it."""
    counts = np.zeros((n_classes, n_classes))
    for fold in folds:
        train, test = (rows[there[rows]] for rows in (fold.train, fold.test))
        if len(train) and len(test):
            predicted = _nearest(values[train], labels[train], values[test], n_classes)
            counts += confusion_matrix(labels[test], predicted, n_classes)
    return float(balanced_accuracy(counts))


def _nearest(known: NDArray[np.float32], labels: Index, asked: NDArray[np.float32], n_classes: int) -> Index:
    """The most frequent class among the nearest neighbours, which lie side by side in sorted order."""
    order = np.argsort(known, kind="stable")
    places = np.searchsorted(known[order], asked)[:, None] + np.arange(-_NEIGHBOURS, _NEIGHBOURS)
    around = order[np.clip(places, 0, len(known) - 1)]
    nearest = np.argsort(np.abs(known[around] - asked[:, None]), axis=1, kind="stable")[:, :_NEIGHBOURS]
    near = np.take_along_axis(labels[around], nearest, axis=1)
    votes = (near[:, :, None] == np.arange(n_classes)).sum(axis=1)
    return np.asarray(votes.argmax(axis=1), dtype=np.int64)
