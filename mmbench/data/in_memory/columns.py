"""Columns of data in memory as cells of a table: texts, numbers, lists, and None for an empty cell."""

import math
from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta
from typing import Any

import numpy as np

from mmbench.errors import DataError

_EMPTY = ("NAType", "NaTType")  # pandas.NA and NaT


def plain_cell(cell: Any, where: str) -> Any:
    """A cell as JSON holds it: str, bool, int, float or a list of these; None for an empty text, NaN, NaT and NA.

    Other values become their text. DataError, at ``where``, for an infinite number, an array and a broken text.
    """
    if cell is None or type(cell).__name__ in _EMPTY:
        return None
    if isinstance(cell, list | tuple | set | frozenset):
        return [
            plain_cell(each, where) for each in (sorted(cell, key=str) if isinstance(cell, set | frozenset) else cell)
        ]
    if isinstance(cell, Mapping | complex):
        raise DataError(f"a cell holds a {type(cell).__name__}", where=where, remedy="give a number or a text")
    if getattr(cell, "ndim", 0):
        remedy = "give arrays as modalities: mmbench.from_arrays({...: array}, y, groups=...)"
        raise DataError("a cell holds an array", where=where, remedy=remedy)
    if isinstance(cell, np.datetime64 | np.timedelta64):
        return None if np.isnat(cell) else str(cell)
    if isinstance(cell, bytes):
        return _decode(cell, where)
    cell = cell.item() if hasattr(cell, "item") else cell
    if isinstance(cell, float):
        if math.isinf(cell):
            raise DataError("a cell is infinite", where=where, remedy="correct it, or leave it empty")
        return None if math.isnan(cell) else cell
    if isinstance(cell, bool | int):
        return cell
    return _plain_text(str(cell), where)


def _decode(cell: bytes, where: str) -> str | None:
    try:
        return cell.decode() or None
    except UnicodeDecodeError:
        raise DataError("holds bytes that are no text", where=where, remedy="give texts, as UTF-8") from None


def _plain_text(text: str, where: str) -> str | None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DataError("a text is not valid Unicode", where=where, remedy="decode it again as UTF-8") from None
    return text or None


def is_table(values: Any) -> bool:
    """Whether values have columns with names: a frame of pandas or polars, a table of pyarrow, a mapping."""
    return isinstance(values, Mapping) or (hasattr(values, "columns") and hasattr(values, "__getitem__"))


def holds_dates(cells: Any) -> bool:
    """Whether an array, a column or a list holds dates, times or durations."""
    types = date | time | timedelta | np.datetime64 | np.timedelta64
    return _has_date_type(cells) or (isinstance(cells, list | tuple) and any(isinstance(cell, types) for cell in cells))


def _has_date_type(cells: Any) -> bool:
    return getattr(getattr(cells, "dtype", None), "kind", "") in ("m", "M")


def read_columns(frame: Any, where: str, *, may_hold_dates: bool = True) -> dict[str, list[Any]]:
    """The cells of each column; DataError, at ``where``, for no columns, two of one name, and unequal lengths.

    Dates, times and durations become texts, or are an error.
    """
    if not is_table(frame):
        remedy = "give a frame of pandas or polars, or a mapping of lists"
        raise DataError(f"{type(frame).__name__} has no columns", where=where, remedy=remedy)
    names = list(frame if isinstance(frame, Mapping) else getattr(frame, "column_names", frame.columns))
    if twice := {str(name) for name in names if [str(each) for each in names].count(str(name)) > 1}:
        remedy = "give every column a name of its own"
        raise DataError(f"several columns are called {min(twice)!r}", where=where, remedy=remedy)
    for name in names:
        if isinstance(frame[name], str):
            remedy = "give a list with a cell for each sample"
            raise DataError(f"column {str(name)!r} is one text", where=where, remedy=remedy)
    try:
        columns = {str(name): _as_list(frame[name]) for name in names}
    except TypeError:
        remedy = "collect it into memory first"
        raise DataError(f"{type(frame).__name__} holds no cells", where=where, remedy=remedy) from None
    if len({len(cells) for cells in columns.values()}) > 1:
        lengths = ", ".join(f"{name} {len(cells)}" for name, cells in columns.items())
        raise DataError(f"columns differ in length: {lengths}", where=where, remedy="give one cell for each sample")
    if dated := [name for name, cells in columns.items() if not may_hold_dates and holds_dates(cells)]:
        remedy = "give numbers, such as days since the first, or leave it out"
        raise DataError(f"column {dated[0]!r} holds dates or times", where=where, remedy=remedy)
    return {name: [plain_cell(cell, f"{where}, column {name!r}") for cell in cells] for name, cells in columns.items()}


def _as_list(column: Any) -> Sequence[Any]:
    if isinstance(column, np.ndarray) and _has_date_type(column):
        return list(column)  # tolist() returns nanoseconds as numbers
    for method in ("to_list", "to_pylist", "tolist"):
        if hasattr(column, method):
            found: Sequence[Any] = getattr(column, method)()
            return found
    return list(column)
