"""Overlap of test and training parts, found without a model: shared groups, overlapping windows, near-duplicates."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mmbench.data import Fold, find_group_overlap
from mmbench.workflows.audit.findings import SharedGroups
from mmbench.workflows.audit.random_labels import Samples

Index = NDArray[np.int64]
_TOLERANCE_S = 1e-6  # windows that touch do not overlap, despite rounding


def find_shared_groups(
    samples: Samples, folds: Sequence[Fold], near_duplicates: Mapping[str, Index], across_subjects: bool = False
) -> SharedGroups:
    """What the parts of a split share; ``near_duplicates`` holds pairs of samples ``(P, 2)`` by modality.

    ``across_subjects``: as in `find_group_overlap`.
    """
    n_tested = sum(len(fold.test) for fold in folds)
    overlapping = sum(int(_overlaps(samples, fold).sum()) for fold in folds)
    alike = {
        name: sum(_count_near_duplicates(pairs, fold, len(samples.ids)) for fold in folds)
        for name, pairs in near_duplicates.items()
    }
    return SharedGroups(
        find_group_overlap(folds, samples.groups, across_subjects),
        overlapping / n_tested,
        {name: count / n_tested for name, count in alike.items()},
    )


def measure_shared(of: Index, folds: Sequence[Fold]) -> float:
    """The share of test samples whose unit ``of`` ``(n,)`` also occurs in training or validation."""
    shared = [np.isin(of[fold.test], of[np.concatenate([fold.train, fold.validation])]) for fold in folds]
    return float(np.concatenate(shared).mean())


def _overlaps(samples: Samples, fold: Fold) -> NDArray[np.bool_]:
    """Which test samples overlap in time with a training or validation sample, bool ``(n_test,)``."""
    found = np.zeros(len(fold.test), dtype=bool)
    if not samples.groups:
        return found  # without groups it is not known which windows are of one recording
    known = np.concatenate([fold.train, fold.validation])
    recordings = samples.recordings
    for name in np.unique(recordings[fold.test]):
        there = samples.spans[known[recordings[known] == name]]
        there = there[np.isfinite(there).all(axis=1)]
        mine = recordings[fold.test] == name
        start, stop = samples.spans[fold.test[mine]].T
        # Windows that began before this one ends, minus those that ended before it began.
        begun = np.searchsorted(np.sort(there[:, 0]), stop - _TOLERANCE_S)
        ended = np.searchsorted(np.sort(there[:, 1]), start + _TOLERANCE_S, side="right")
        found[mine] = np.isfinite(start) & (begun > ended)
    return found


def _count_near_duplicates(pairs: Index, fold: Fold, n_samples: int) -> int:
    part = np.zeros(n_samples, dtype=np.int64)
    part[fold.train] = part[fold.validation] = 1
    part[fold.test] = 2
    one, other = part[pairs].T
    tested = np.concatenate([pairs[(one == 2) & (other == 1), 0], pairs[(other == 2) & (one == 1), 1]])
    return len(np.unique(tested))
