"""Consistency of records with the splits and prepared data that they name, where these are available."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.data import FOLDS_FILE, FoldFile, Store, read_fold_file
from mmbench.errors import DamagedError, RecordError
from mmbench.registry import parse_spec
from mmbench.results.comparison import Comparison
from mmbench.results.records import Record, record_path
from mmbench.results.statistics import find_statistical_units

_REMEDY = "delete the file and run the same command again"


def check_data_agreement(comparison: Comparison, cache: Path) -> None:
    """Raise RecordError for the first record whose samples, labels or units differ from its fold or the prepared data.

    Splits or prepared data that are not available are not checked."""
    tested = {path: _tested(path / FOLDS_FILE) for path in {method.folder.parent for method in comparison.methods}}
    store = find_prepared_store(comparison.run, cache)
    for method in comparison.methods:
        for record, line in find_data_disagreements(method.records, tested[method.folder.parent], store):
            path = record_path(method.folder, record.fold, record.seed)
            raise RecordError(line, where=path, remedy=_REMEDY)


def find_data_disagreements(
    records: Sequence[Record], tested: Mapping[str, Sequence[str]] | None, store: Store | None
) -> Iterator[tuple[Record, str]]:
    """Records that differ from the test part of their fold (``tested``, by name) or from the prepared data, and how."""
    row_of = {sample: row for row, sample in enumerate(store.ids.tolist())} if store else {}
    for record in records:
        if tested is not None and tuple(tested.get(record.fold, ())) != record.ids:
            yield record, "its samples are not the test part of its fold"
        if store and (line := _differs(record, store, row_of)):
            yield record, line


def find_prepared_store(run: Mapping[str, Any], cache: Path) -> Store | None:
    """The prepared data of a run from the cache; None if they are missing, damaged or lack its task."""
    path = cache / "prepared" / f"{parse_spec(run['dataset']).name}-{str(run['prepared'])[:16]}.h5"
    try:
        store = Store(path)
        return store if store.key == run["prepared"] and run["task"] in store.schema.tasks else None
    except (OSError, DamagedError):
        return None


def tested_samples(folds: FoldFile) -> dict[str, Sequence[str]]:
    """Ids of the test part of each fold."""
    return {name: folds.samples(name, "test") for name in folds.ranges}


def _tested(path: Path) -> dict[str, Sequence[str]] | None:
    """Ids of the test part of each fold; None without a readable file."""
    try:
        return tested_samples(read_fold_file(path))
    except (OSError, ValueError):
        return None


def _differs(record: Record, store: Store, row_of: Mapping[str, int]) -> str | None:
    unknown = [sample for sample in record.ids if sample not in row_of]
    if unknown:
        return f"sample {unknown[0]} is not in the prepared data"
    rows = np.array([row_of[sample] for sample in record.ids])
    labels = store.labels(record.run["task"])[rows]
    units = find_statistical_units(store.groups, store.ids)[1][rows]
    for what, recorded, found in (("label", record.labels, labels), ("unit", record.units, units)):
        wrong = np.flatnonzero(np.asarray(recorded) != found)
        if len(wrong):
            what = f"1 {what} differs" if len(wrong) == 1 else f"{len(wrong)} {what}s differ"
            return f"{what} from the prepared data, the first that of sample {record.ids[wrong[0]]}"
    return None
