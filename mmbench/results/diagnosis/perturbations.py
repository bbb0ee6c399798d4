"""Conditions under which a model is tested again: from which sample each modality is taken, if from any."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mmbench.data import Rows, Store, read_presence
from mmbench.results.diagnosis.predictions import subset_names
from mmbench.storage import named_generator

MISSING = -1
N_SHUFFLES = 5
SHIFTS = (-4, -2, -1, 1, 2, 4)

RowSources = Mapping[str, Rows]
"""For a modality, the row that each test sample takes it from, -1 for none; those not named stay where they are."""


def subsets(names: Sequence[str], rows: Rows) -> Iterator[tuple[str, RowSources]]:
    """Each subset of the modalities but the whole, by name."""
    nothing = np.full_like(rows, MISSING)
    for subset in subset_names(len(names)):
        yield subset, {name: nothing for name, left in zip(names, subset, strict=True) if left == "0"}


def shuffles(name: str, rows: Rows, fold: str) -> Iterator[RowSources]:
    """One modality's bags exchanged among the samples of a fold, several times; alike for every method and seed."""
    random = named_generator("shuffled", fold, name)
    for _ in range(N_SHUFFLES):
        yield {name: random.permutation(rows)}


def neighbours(store: Store, name: str, windows: int) -> Rows:
    """For each row the one ``windows`` places later in the same recording, -1 where there is none ``(N,)``.

    A recording is what shares all groups, in the order of the samples' spans. Both samples have the modality. Where
    windows follow each other in equal steps, one that comes after a gap is not so many windows later.
    """
    found = np.full(len(store), MISSING, dtype=np.int64)
    start = store.spans[:, 0]
    recordings = _recordings(store)
    if recordings is None:
        return found
    order = np.lexsort((start, recordings))
    here, there = (order[:-windows], order[windows:]) if windows > 0 else (order[-windows:], order[:windows])
    present = np.asarray(read_presence(store.path, name).any(axis=1))
    # Windows that begin at the same time are of recordings that the groups do not tell apart.
    in_order = (start[there] - start[here]) * windows > 0
    usable = np.flatnonzero((recordings[here] == recordings[there]) & in_order & present[here] & present[there])
    usable = usable[_is_common_delay(start[there[usable]] - start[here[usable]])]
    found[here[usable]] = there[usable]
    return found


def _is_common_delay(delays: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which delays ``(n,)`` are those that most have; all of them where no two thirds are alike."""
    if not len(delays):
        return np.zeros(0, dtype=bool)
    usual = np.isclose(delays, np.median(delays), rtol=0.01)
    return usual if usual.mean() > 2 / 3 else np.ones_like(usual)


def _recordings(store: Store) -> NDArray[np.int64] | None:
    """Which samples share all groups, by number; None where samples stand alone."""
    if not store.groups:
        return None
    columns = [np.unique(values, return_inverse=True)[1] for values in store.groups.values()]
    numbers: NDArray[np.int64] = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    return numbers
