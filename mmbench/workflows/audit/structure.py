"""What the parts of a split share, seen without any model: groups, stretches of time, and samples that are the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmbench.data import Fold, find_group_overlap
from mmbench.workflows.audit.lots import Samples

Index = NDArray[np.int64]
_TOLERANCE_S = 1e-6  # windows that touch do not overlap, however their ends were rounded


@dataclass(frozen=True)
class Structure:
    """Shares of the test samples that share something with the training or the validation part.

    ``straddling``: their trial, session ..., by group. ``overlapping``: a stretch of time of the same recording.
    ``twins``: the very data of a modality, or nearly so, by modality.
    """

    straddling: Mapping[str, float]
    overlapping: float
    twins: Mapping[str, float]


def look_at_split(samples: Samples, folds: Sequence[Fold], twins: Mapping[str, Index]) -> Structure:
    """The structure of a split; ``twins`` holds pairs of samples ``(P, 2)`` that are alike, by modality."""
    n_tested = sum(len(fold.test) for fold in folds)
    overlapping = sum(int(_overlaps(samples, fold).sum()) for fold in folds)
    alike = {name: sum(_count_twins(pairs, fold, len(samples.ids)) for fold in folds) for name, pairs in twins.items()}
    return Structure(
        find_group_overlap(folds, samples.groups),
        overlapping / n_tested,
        {name: count / n_tested for name, count in alike.items()},
    )


def share_straddling(of: Index, folds: Sequence[Fold]) -> float:
    """The share of test samples that have another of the same number ``of`` ``(n,)`` in training or validation."""
    shared = [np.isin(of[fold.test], of[np.concatenate([fold.train, fold.validation])]) for fold in folds]
    return float(np.concatenate(shared).mean())


def _overlaps(samples: Samples, fold: Fold) -> NDArray[np.bool_]:
    """Which test samples overlap in time with one of the other parts, bool ``(n_test,)``."""
    found = np.zeros(len(fold.test), dtype=bool)
    if not samples.groups:
        return found  # nothing tells which windows are of one recording
    known = np.concatenate([fold.train, fold.validation])
    recordings = samples.recordings
    for name in np.unique(recordings[fold.test]):
        there = samples.spans[known[recordings[known] == name]]
        there = there[np.isfinite(there).all(axis=1)]
        mine = recordings[fold.test] == name
        start, stop = samples.spans[fold.test[mine]].T
        # Those that began before we end, without those that ended before we began.
        begun = np.searchsorted(np.sort(there[:, 0]), stop - _TOLERANCE_S)
        ended = np.searchsorted(np.sort(there[:, 1]), start + _TOLERANCE_S, side="right")
        found[mine] = np.isfinite(start) & (begun > ended)
    return found


def _count_twins(pairs: Index, fold: Fold, n_samples: int) -> int:
    part = np.zeros(n_samples, dtype=np.int64)
    part[fold.train] = part[fold.validation] = 1
    part[fold.test] = 2
    one, other = part[pairs].T
    tested = np.concatenate([pairs[(one == 2) & (other == 1), 0], pairs[(other == 2) & (one == 1), 1]])
    return len(np.unique(tested))
