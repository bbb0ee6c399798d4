"""Labels drawn by lot: which samples get one together, and draws that nothing but recognising them can predict."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmbench.data import combine_groups

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Samples:
    """What is known of the samples that are audited, each array over them: class indices, groups, spans ``(n, 2)``."""

    ids: NDArray[np.str_]
    labels: Index
    groups: Mapping[str, NDArray[np.str_]]
    spans: NDArray[np.float64]

    @property
    def recordings(self) -> NDArray[np.str_]:
        """The finest group of each sample: all its groups together; one for all where none is declared."""
        return combine_groups(self.groups, len(self.ids))


@dataclass(frozen=True)
class Units:
    """The samples that get a label together: ``of`` ``(n,)`` numbers their units from 0.

    ``name`` says what a unit is. ``carriers`` ``(n,)`` numbers what carries one true label: the same as ``of``, unless
    each had to be cut into several units. ``cells`` ``(n,)`` numbers what may be known of a sample without recognising
    its unit: its true class and, where a subject has several units, the subject. ``scopes`` ``(n,)`` numbers within
    what lots are shared out evenly.
    """

    name: str
    of: Index
    carriers: Index
    cells: Index
    scopes: Index

    @property
    def n_drawn(self) -> int:
        """How many units there are."""
        return int(self.of.max()) + 1

    @property
    def is_telling(self) -> bool:
        """Whether units are whole, and such that recognising one is not the same as recognising a class."""
        return self.n_drawn == int(self.carriers.max()) + 1 and self.per_cell >= 2

    @property
    def per_cell(self) -> float:
        """Units in a cell, the median over cells; below 2 nothing can be told from lots."""
        _, first = np.unique(self.of, return_index=True)
        return float(np.median(np.bincount(self.cells[first])))


def find_units(samples: Samples, n_classes: int) -> Units:
    """The coarsest group that carries one label; stretches of one label in time, or single samples, where none does.

    With a single recording a class and person, recognising the recording cannot be told from recognising the class.
    Recognising a part of it can: where cells hold fewer than two, each is cut into parts in order of time.
    """
    name, of = _find_carrier(samples)
    subjects = samples.groups.get("subject")
    scopes = np.zeros_like(of) if name == "subject" or subjects is None else _numbered(subjects)
    cells = _numbered(scopes * n_classes + samples.labels)
    units = Units(name, of, of, cells, scopes)
    if units.per_cell >= 2:
        return units
    return Units(f"part of a {name}", _cut(of, _in_time(samples), 2 * n_classes), of, cells, scopes)


@dataclass(frozen=True)
class Lots:
    """Labels by lot ``(n, draws)``: ``whole`` are shared by the samples of a unit; ``dealt`` are the same, dealt out
    again among the samples of each cell."""

    whole: Index
    dealt: Index


def draw_lots(units: Units, n_classes: int, draws: int, seed: int = 0) -> Lots:
    """Each class equally often in each cell and scope, as far as it goes, and by chance otherwise.

    So neither the true class nor the subject tells anything of them, and what predicts those of whole units on test
    samples has recognised the unit. Draw by draw the same, whatever their number.
    """
    randoms = [np.random.default_rng([seed, draw]) for draw in range(draws)]
    whole = [_draw(units, n_classes, random) for random in randoms]
    dealt = [_deal(lots, units.cells, random) for lots, random in zip(whole, randoms, strict=True)]
    return Lots(np.stack(whole, axis=1), np.stack(dealt, axis=1))


def _draw(units: Units, n_classes: int, random: np.random.Generator) -> Index:
    _, first = np.unique(units.of, return_index=True)
    cells, scopes = units.cells[first], units.scopes[first]
    labels = np.zeros(len(first), dtype=np.int64)
    for scope in np.unique(scopes):
        mine = np.flatnonzero(scopes == scope)
        # In cells one after the other, in each by chance: counting on through the classes shares them out evenly.
        mine = mine[np.lexsort((random.random(len(mine)), cells[mine]))]
        labels[mine] = random.permutation(n_classes)[(random.integers(n_classes) + np.arange(len(mine))) % n_classes]
    return labels[units.of]


def _deal(lots: Index, cells: Index, random: np.random.Generator) -> Index:
    """The lots of each cell in another order."""
    order = np.lexsort((random.random(len(lots)), cells))
    dealt = np.empty_like(lots)
    dealt[order] = lots[np.argsort(cells, kind="stable")]
    return dealt


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
    """Windows of a recording that follow each other with the same label."""
    order = _in_time(samples)
    recordings, labels = samples.recordings[order], samples.labels[order]
    begins = np.r_[True, (recordings[1:] != recordings[:-1]) | (labels[1:] != labels[:-1])]
    of = np.empty(len(order), dtype=np.int64)
    of[order] = np.cumsum(begins) - 1
    return of


def _in_time(samples: Samples) -> Index:
    """Rows by recording, in it by time, by id where there is none."""
    starts = np.nan_to_num(samples.spans[:, 0])
    return np.lexsort((samples.ids, starts, samples.recordings))


def _cut(of: Index, order: Index, n_parts: int) -> Index:
    """Each unit in ``n_parts`` parts of nearly equal size in ``order``, fewer where a part would hold one sample."""
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
