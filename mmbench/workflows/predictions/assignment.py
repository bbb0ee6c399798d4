"""Assigns the rows of a table of predictions to folds and seeds: every test sample once, and no other."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mmbench.errors import DataError
from mmbench.registry import did_you_mean
from mmbench.storage import counted
from mmbench.workflows.predictions.folds import Folds
from mmbench.workflows.predictions.outputs import as_texts
from mmbench.workflows.predictions.table import Table

ID, FOLD, SEED = "id", "fold", "seed"
_PART_NAMES = {"train": "training", "validation": "validation"}
_MAX_SEED = 2**31

Assignment = Mapping[tuple[int, str], NDArray[np.int64]]
"""The rows of each seed and fold, in the order of the test part of the fold."""


def assign_rows(table: Table, folds: Folds) -> Assignment:
    """The rows of each seed and fold; DataError for the first row, fold or sample that is wrong or missing.

    Without a column ``fold``, a sample belongs to the fold that tests it; without ``seed``, all rows are of seed 0.
    """
    ids, names, seeds = _read_ids(table), _read_folds(table, folds), _read_seeds(table)
    found: dict[tuple[int, str], dict[str, int]] = {}
    parts = {str(fold["name"]): {part: set(fold[part]) for part in _PART_NAMES} for fold in folds.folds}
    fold_of = folds.fold_of
    tested = {str(fold["name"]): set(fold["test"]) for fold in folds.folds}
    for at, (sample, seed) in enumerate(zip(ids, seeds, strict=True)):
        fold = names[at] if names else fold_of.get(sample)
        if fold is None or sample not in tested[fold]:
            raise _not_tested(table, at, sample, fold, parts)
        rows = found.setdefault((seed, fold), {})
        if sample in rows:
            raise DataError(
                f"the id {sample!r} is predicted a second time in fold {fold}, seed {seed} (first in "
                f"{table.row(rows[sample])})",
                where=table.where(at),
                remedy="keep one row for each test sample of each fold and seed",
            )
        rows[sample] = at
    _check_whole(table, found, folds)
    return {
        (seed, str(fold["name"])): np.array([found[seed, str(fold["name"])][sample] for sample in fold["test"]])
        for seed in sorted(set(seeds))
        for fold in folds.folds
    }


def _not_tested(
    table: Table, at: int, sample: str, fold: str | None, parts: Mapping[str, Mapping[str, set[str]]]
) -> DataError:
    remedy = "predict the test part of each fold only"
    for name, of_fold in parts.items() if fold is None else ((fold, parts[fold]),):
        for part, samples in of_fold.items():
            if sample in samples:
                message = f"the id {sample!r} is in the {_PART_NAMES[part]} part of fold {name}, not in its test part"
                return DataError(message, where=table.where(at), remedy=remedy)
    known = any(sample in samples for of_fold in parts.values() for samples in of_fold.values())
    where = f"is not in fold {fold}" if known else "is no sample of these folds"
    return DataError(f"the id {sample!r} {where}", where=table.where(at), remedy=remedy)


def _check_whole(table: Table, found: Mapping[tuple[int, str], Mapping[str, int]], folds: Folds) -> None:
    for seed in sorted({seed for seed, _ in found}):
        for fold in folds.folds:
            rows = found.get((seed, str(fold["name"])), {})
            missing = [sample for sample in fold["test"] if sample not in rows]
            if missing:
                n_tested, of = len(fold["test"]), f"of fold {fold['name']}, seed {seed}"
                raise DataError(
                    f"has no prediction for {len(missing)} of {counted(n_tested, 'test sample')} {of}, the first "
                    f"{missing[0]!r}",
                    where=table.name,
                    remedy="predict every test sample of every fold",
                )


def _read_ids(table: Table) -> list[str]:
    if ID not in table.columns:
        have = ", ".join(list(table.columns)[:8])
        raise DataError(f"has no column 'id', but {have}", where=table.name, remedy="name the samples as the folds do")
    return as_texts(table.columns[ID])


def _read_folds(table: Table, folds: Folds) -> list[str] | None:
    if FOLD not in table.columns:
        return None
    known = [str(fold["name"]) for fold in folds.folds]
    names = as_texts(table.columns[FOLD])
    for at, name in enumerate(names):
        if name not in known:
            raise DataError(f"there is no fold {name!r}", where=table.where(at), remedy=did_you_mean(name, known))
    return names


def _read_seeds(table: Table) -> list[int]:
    if SEED not in table.columns:
        return [0] * len(table)
    seeds = []
    for at, text in enumerate(as_texts(table.columns[SEED])):
        if not (text.isascii() and text.isdecimal() and int(text) < _MAX_SEED):
            raise DataError(
                f"{text!r} is not a seed", where=table.where(at), remedy="number the seeds 0, 1, 2 ... or leave it out"
            )
        seeds.append(int(text))
    return seeds


def find_unused(table: Table, used: Sequence[str]) -> list[str]:
    """The columns of a table that are not read."""
    return [name for name in table.columns if name not in {ID, FOLD, SEED, *used}]
