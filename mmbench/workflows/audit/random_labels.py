"""Random labels, assigned to whole units of samples and permuted within class and person, for the audit's control."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmbench.data import combine_groups

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Samples:
    """The audited samples: ids, class indices, groups ``(n,)`` and time spans ``(n, 2)`` in seconds."""

    ids: NDArray[np.str_]
    labels: Index
    groups: Mapping[str, NDArray[np.str_]]
    spans: NDArray[np.float64]

    @property
    def recordings(self) -> NDArray[np.str_]:
        """The recording of each sample: the combination of all its groups; the same for all without groups."""
        return combine_groups(self.groups, len(self.ids))


@dataclass(frozen=True)
class LabelUnits:
    """Units of samples that share one random label: ``of`` ``(n,)`` is the unit of each sample, from 0.

    ``name`` is the kind of unit. ``carriers`` ``(n,)`` is the group of samples that shares one true label: the same as
    ``of``, unless such a group had to be split into several units. ``cells`` ``(n,)`` is what a model may know of a
    sample without recognising its unit: the true class and, where a subject has several units, the subject. Random
    labels are balanced within each of ``scopes`` ``(n,)``.
    """

    name: str
    of: Index
    carriers: Index
    cells: Index
    scopes: Index

    @property
    def n_units(self) -> int:
        """Number of units."""
        return int(self.of.max()) + 1

    @property
    def is_decidable(self) -> bool:
        """Whether recognising a unit can be distinguished from recognising a class."""
        return self.n_units == int(self.carriers.max()) + 1 and self.per_cell >= 2

    @property
    def per_cell(self) -> float:
        """Median number of units in a cell; below 2 the control is not possible."""
        _, first = np.unique(self.of, return_index=True)
        return float(np.median(np.bincount(self.cells[first])))


def find_label_units(samples: Samples, n_classes: int) -> LabelUnits:
    """The coarsest group with one label per group; else stretches of one label in time, else single samples.

    With one recording per class and person, recognising the recording cannot be distinguished from recognising the
    class. Where cells hold fewer than two units, each unit is therefore split into parts in order of time.
    """
    name, of = _find_carrier(samples)
    subjects = samples.groups.get("subject")
    scopes = np.zeros_like(of) if name == "subject" or subjects is None else _numbered(subjects)
    cells = _numbered(scopes * n_classes + samples.labels)
    units = LabelUnits(name, of, of, cells, scopes)
    if units.per_cell >= 2:
        return units
    return LabelUnits(f"part of a {name}", _cut(of, _in_time(samples), 2 * n_classes), of, cells, scopes)


@dataclass(frozen=True)
class RandomLabels:
    """Random labels ``(n, draws)``: ``whole`` assigns one label to each unit; ``permuted`` permutes these among the
    samples of each cell, i.e. within class and person."""

    whole: Index
    permuted: Index


def draw_random_labels(units: LabelUnits, n_classes: int, draws: int, seed: int = 0) -> RandomLabels:
    """Random labels, balanced over classes within each cell and scope.

    Neither the true class nor the subject predicts them: a model that predicts the labels of whole units on test
    samples has recognised the units. The first draws do not depend on the number of draws.
    """
    randoms = [np.random.default_rng([seed, draw]) for draw in range(draws)]
    whole = [_draw_by_unit(units, n_classes, random) for random in randoms]
    permuted = [_permute_in_cells(labels, units.cells, random) for labels, random in zip(whole, randoms, strict=True)]
    return RandomLabels(np.stack(whole, axis=1), np.stack(permuted, axis=1))


def _draw_by_unit(units: LabelUnits, n_classes: int, random: np.random.Generator) -> Index:
    _, first = np.unique(units.of, return_index=True)
    cells, scopes = units.cells[first], units.scopes[first]
    labels = np.zeros(len(first), dtype=np.int64)
    for scope in np.unique(scopes):
        mine = np.flatnonzero(scopes == scope)
        # Cell by cell, in random order within each: cycling through the classes balances them.
        mine = mine[np.lexsort((random.random(len(mine)), cells[mine]))]
        labels[mine] = random.permutation(n_classes)[(random.integers(n_classes) + np.arange(len(mine))) % n_classes]
    return labels[units.of]


def _permute_in_cells(labels: Index, cells: Index, random: np.random.Generator) -> Index:
    """The labels, permuted within each cell."""
    order = np.lexsort((random.random(len(labels)), cells))
    permuted = np.empty_like(labels)
    permuted[order] = labels[np.argsort(cells, kind="stable")]
    return permuted


def _find_carrier(samples: Samples) -> tuple[str, Index]:
    candidates = sorted(_groupings(samples), key=lambda item: int(item[1].max()))
    for name, of in candidates:
        if of.max() > 0 and _carries_label(of, samples.labels):
            return name, of
    if samples.groups and np.isfinite(samples.spans).all():
        return "stretch of one label", _stretches(samples)
    return "sample", np.arange(len(samples.ids))


def _groupings(samples: Samples) -> Iterator[tuple[str, Index]]:
    for name in samples.groups:
        own = {key: samples.groups[key] for key in dict.fromkeys(("subject", name)) if key in samples.groups}
        yield name, _numbered(combine_groups(own, len(samples.ids)))
    if len(samples.groups) > 1:
        yield " and ".join(samples.groups), _numbered(samples.recordings)


def _carries_label(of: Index, labels: Index) -> bool:
    """Whether all samples of a unit have the same label."""
    _, first, inverse = np.unique(of, return_index=True, return_inverse=True)
    return bool((labels[first][inverse] == labels).all())


def _stretches(samples: Samples) -> Index:
    """Numbers of stretches ``(n,)``: consecutive windows of a recording with the same label."""
    order = _in_time(samples)
    recordings, labels = samples.recordings[order], samples.labels[order]
    begins = np.r_[True, (recordings[1:] != recordings[:-1]) | (labels[1:] != labels[:-1])]
    of = np.empty(len(order), dtype=np.int64)
    of[order] = np.cumsum(begins) - 1
    return of


def _in_time(samples: Samples) -> Index:
    """Rows sorted by recording, then start time, then id."""
    starts = np.nan_to_num(samples.spans[:, 0])
    return np.lexsort((samples.ids, starts, samples.recordings))


def _cut(of: Index, order: Index, n_parts: int) -> Index:
    """Parts ``(n,)``: each unit split in ``order`` into up to ``n_parts`` equal parts of at least two samples."""
    parts = np.empty_like(of)
    begin = 0
    for unit in range(int(of.max()) + 1):
        rows = order[of[order] == unit]
        count = max(1, min(n_parts, len(rows) // 2))
        for part in np.array_split(rows, count):
            parts[part] = begin
            begin += 1
    return parts


def _numbered(values: NDArray[np.generic]) -> Index:
    return np.asarray(np.unique(values, return_inverse=True)[1], dtype=np.int64)
