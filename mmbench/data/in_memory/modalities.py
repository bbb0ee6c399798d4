"""Modalities in memory: their kinds from arrays, lists and columns, checked against what the user states."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mmbench.data.in_memory.array_kinds import ArrayModality, StatedKind
from mmbench.data.in_memory.columns import is_table, read_columns
from mmbench.data.in_memory.dense_arrays import as_array, read_array
from mmbench.data.in_memory.lists import read_list
from mmbench.errors import DataError
from mmbench.storage import counted

_LEVELS = 100  # of a categorical column; more are free texts


def read_modality(name: str, values: Any, stated: StatedKind) -> ArrayModality:
    """The modality ``name`` from its values; DataError that names it and says what to write if they are ambiguous.

    A float array ``(n, D)`` holds vectors; ``(n, C, T)`` time series, which need a rate; uint8 ``(n, H, W, 3)`` or
    ``(n, 3, H, W)`` images; a list of str texts; columns with names a table. None in a list, an empty text, and an
    instance that is NaN throughout are missing.
    """
    where = f"modality {name!r}"
    if is_table(values):
        found = _read_table(name, values, stated, where)
    else:
        found = _read_array_like(name, values, stated, where)
    if not found.present.any():
        raise DataError("is missing in every sample", where=where, remedy="leave the modality out")
    _check_stated(found, stated, where)
    return replace(found, channels=stated.channels, may_be_constant=stated.may_be_constant)


def _check_stated(found: ArrayModality, stated: StatedKind, where: str) -> None:
    shape = found.shape
    wanted = stated.shape if len(stated.shape) == len(shape) else ()
    if stated.shape and (
        not wanted or any(None not in pair and len({*pair}) > 1 for pair in zip(wanted, shape, strict=True))
    ):
        raise DataError(f"has the shape {shape}, not {stated.shape}", where=where, remedy="correct the array, or kinds")
    if stated.instances is not None and stated.instances != found.instances:
        problem = f"has {counted(found.instances, 'instance')} a sample, not {stated.instances}"
        raise DataError(problem, where=where, remedy="correct the array, or kinds")
    if stated.channels and len(stated.channels) != found.shape[0]:
        problem = f"has {found.shape[0]} channels, and {counted(len(stated.channels), 'name')} of channels"
        raise DataError(problem, where=where, remedy="name each channel once")
    if stated.may_be_constant and found.kind != "timeseries":
        problem = f"may be constant, which applies to time series only, and is {found.kind}"
        raise DataError(problem, where=where, remedy="leave out may_be_constant")


def _read_table(name: str, values: Any, stated: StatedKind, where: str) -> ArrayModality:
    if stated.kind not in ("", "table"):
        raise DataError(f"has columns, so that it is a table, not {stated.kind}", where=where, remedy="give an array")
    columns = read_columns(values, where, may_hold_dates=False)
    if not columns:
        raise DataError("has no column", where=where, remedy="leave the modality out")
    levels = {}
    for title, cells in columns.items():
        columns[title] = cells = [int(cell) if isinstance(cell, bool) else cell for cell in cells]
        if texts := _find_levels(title, cells, where):
            levels[f"{name}.{title}"] = texts
    present = np.array(
        [any(cell is not None for cell in row) for row in zip(*columns.values(), strict=True)], dtype=bool
    )
    return ArrayModality(
        name, "table", present, columns={f"{name}.{title}": cells for title, cells in columns.items()}, levels=levels
    )


def _find_levels(title: str, cells: Sequence[Any], where: str) -> tuple[str, ...]:
    """The levels of a categorical column, none of a numeric one; DataError for other columns."""
    texts = sorted({cell for cell in cells if isinstance(cell, str)})
    known = [cell for cell in cells if cell is not None]
    if not known:
        raise DataError(f"column {title!r} is empty", where=where, remedy="leave it out")
    if any(isinstance(cell, list) for cell in known) or (texts and len(texts) < len({*known})):
        raise DataError(f"column {title!r} has several types", where=where, remedy="give numbers or texts")
    if len(texts) > _LEVELS:
        remedy = f'give it as a modality of texts: {{"{title}": [...]}}'
        raise DataError(f"column {title!r} has {len(texts)} different texts", where=where, remedy=remedy)
    return tuple(texts)


def _read_array_like(name: str, values: Any, stated: StatedKind, where: str) -> ArrayModality:
    if isinstance(values, str | bytes) or not (hasattr(values, "__array__") or hasattr(values, "__len__")):
        remedy = "give an array, or a list with an entry for each sample"
        raise DataError(f"{type(values).__name__} is no sequence", where=where, remedy=remedy)
    if hasattr(values, "toarray"):
        raise DataError("is a sparse matrix", where=where, remedy="give its toarray()")
    if not hasattr(values, "__array__"):
        return read_list(name, list(values), stated, where)
    array = as_array(values, where)
    if array.dtype.kind in "OUST" and array.ndim:
        return read_list(name, array.tolist(), stated, where)
    return read_array(name, array, np.ones(len(array) if array.ndim else 0, dtype=bool), stated, where)
