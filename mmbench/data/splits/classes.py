"""Classes and labels of samples as indicators, and the parts of folds that lack one."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mmbench.data.missingness import join_names
from mmbench.data.splits.fold import Fold

Indicators = NDArray[np.bool_]
_PARTS = {"train": "training", "validation": "validation"}
N_BINS = 5
"""Bins of equal size that the values of a target are balanced by."""


def indicate_classes(labels: NDArray[np.int64]) -> Indicators:
    """Which classes each sample has, bool ``(N, C)``, from class indices ``(N,)`` or 0 and 1 per label ``(N, L)``.

    Samples with -1 have none.
    """
    if labels.ndim == 2:
        return np.asarray(labels == 1)
    return np.asarray(labels[:, None] == np.arange(labels.max(initial=-1) + 1))


def indicate_bins(values: NDArray[np.float64]) -> Indicators:
    """In which of `N_BINS` quantile bins the values ``(N, V)`` lie, bool ``(N, V * N_BINS)``."""
    bins = []
    for column in values.T:
        edges = np.quantile(column, np.arange(1, N_BINS) / N_BINS)
        bins.append(np.searchsorted(edges, column, side="right")[:, None] == np.arange(N_BINS))
    return np.concatenate(bins, axis=1)


def find_missing_classes(
    folds: Sequence[Fold], labels: NDArray[np.int64], classes: Iterable[int]
) -> dict[str, dict[int, int]]:
    """The number of folds whose training or validation part lacks a class, by part and class; without zeros.

    ``labels`` are class indices ``(N,)``, or 0 and 1 per label ``(N, L)``: then a class is a label, and a part lacks it
    where no sample has it.
    """
    has, wanted = indicate_classes(labels), [int(label) for label in classes]
    counts_by_part: dict[str, dict[int, int]] = {}
    for part in ("train", "validation"):
        there = [set(np.flatnonzero(has[getattr(fold, part)].any(axis=0)).tolist()) for fold in folds]
        counts = {label: sum(label not in each for each in there) for label in wanted}
        if missing := {label: count for label, count in counts.items() if count}:
            counts_by_part[part] = missing
    return counts_by_part


def missing_class_lines(missing: Mapping[str, Mapping[str, int]], n_folds: int) -> list[str]:
    """A line for each part that lacks classes, with their number and that of the folds."""
    return [_describe_missing(part, counts, n_folds) for part, counts in missing.items() if counts]


def _describe_missing(part: str, counts: Mapping[str, int], n_folds: int) -> str:
    named, (name, *others), least, most = _PARTS[part], counts, min(counts.values()), max(counts.values())
    folds = f"{most}" if least == most else f"{least} to {most}"
    start = f"the {named} part of {folds} of {n_folds} folds has no sample of"
    if not others:
        meaning = "the models there cannot learn it" if part == "train" else "the epoch is chosen without it"
        return f"{start} {name}: {meaning}"
    meaning = "the models there cannot learn them" if part == "train" else "the epoch is chosen without them"
    return f"{start} {join_names([*counts], count=False)} ({len(counts)} in all): {meaning}"
