"""Conditions of a diagnosis: the sample that each modality is taken from, or none."""

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
"""By modality, the row that each test sample takes it from, -1 for missing; other modalities are unchanged."""


def subsets(names: Sequence[str], rows: Rows) -> Iterator[tuple[str, RowSources]]:
    """Each proper subset of the modalities, by name."""
    nothing = np.full_like(rows, MISSING)
    for subset in subset_names(len(names)):
        yield subset, {name: nothing for name, left in zip(names, subset, strict=True) if left == "0"}


def shuffles(name: str, rows: Rows, fold: str) -> Iterator[RowSources]:
    """Permutations of one modality's bags among the samples of a fold, the same for every method and seed."""
    random = named_generator("shuffled", fold, name)
    for _ in range(N_SHUFFLES):
        yield {name: random.permutation(rows)}


def neighbours(store: Store, name: str, windows: int) -> Rows:
    """Rows ``(N,)`` of the windows that are ``windows`` later in the same recording, -1 if there is none.

    A recording is the samples that share all groups, sorted by start time. Both samples have the modality. Where
    windows have equal steps, pairs across a gap are excluded.
    """
    found = np.full(len(store), MISSING, dtype=np.int64)
    start = store.spans[:, 0]
    recordings = _recordings(store)
    if recordings is None:
        return found
    order = np.lexsort((start, recordings))
    first, second = (order[:-windows], order[windows:]) if windows > 0 else (order[-windows:], order[:windows])
    present = np.asarray(read_presence(store.path, name).any(axis=1))
    # Windows with the same start are of recordings that the groups do not distinguish.
    in_order = (start[second] - start[first]) * windows > 0
    usable = np.flatnonzero((recordings[first] == recordings[second]) & in_order & present[first] & present[second])
    usable = usable[_is_common_delay(start[second[usable]] - start[first[usable]])]
    found[first[usable]] = second[usable]
    return found


def _is_common_delay(delays: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which delays ``(n,)`` equal the median; all where fewer than two thirds do."""
    if not len(delays):
        return np.zeros(0, dtype=bool)
    usual = np.isclose(delays, np.median(delays), rtol=0.01)
    return usual if usual.mean() > 2 / 3 else np.ones_like(usual)


def _recordings(store: Store) -> NDArray[np.int64] | None:
    """The recording of each sample ``(N,)``, as indices; None without groups."""
    if not store.groups:
        return None
    columns = [np.unique(values, return_inverse=True)[1] for values in store.groups.values()]
    numbers: NDArray[np.int64] = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    return numbers
