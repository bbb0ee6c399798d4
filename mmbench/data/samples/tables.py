"""Rows of tables: numbers, and indices of levels, as one array."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Column
from mmbench.data.samples.bag import BagCheck

_MISSING = "give None where it is missing"
# From here on, float32 rounds to infinity: half a step above its largest number.
_OVERFLOW = 2.0**128 - 2.0**103


def check_rows(items: Sequence[Any], check: BagCheck) -> NDArray[np.float32]:
    """Rows ``(K, columns)``: numbers, the index of the level in categorical columns, NaN for missing values.

    Absent rows are zero. DataError for unknown columns and levels, infinite numbers and text in a numeric column.
    """
    x = np.zeros((len(items), len(check.modality.columns)), dtype=np.float32)
    for row, item in zip(x, items, strict=True):
        if item is not None:
            row[:] = [_value(item, column, check) for column in _columns(item, check)]
    return x


def _columns(item: Any, check: BagCheck) -> tuple[Column, ...]:
    if not isinstance(item, Mapping):
        raise check.error(f"holds a {type(item).__name__}, not a mapping from column to value")
    columns = check.modality.columns
    known = {column.name: None for column in columns}
    if unknown := [name for name in item if name not in known]:
        near = get_close_matches(str(unknown[0]), known, n=1)
        raise check.error(
            f"has a value of the unknown column {unknown[0]!r}",
            f"did you mean {near[0]!r}?" if near else "add the column to the schema",
        )
    if lacking := [name for name in known if name not in item]:
        raise check.error(f"has no value of the column {lacking[0]!r}", _MISSING)
    return columns


def _value(item: Mapping[str, Any], column: Column, check: BagCheck) -> float:
    value = item[column.name]
    if type(value) is float and -_OVERFLOW < value < _OVERFLOW and not column.levels:
        return value  # nearly all cells of large tables, for which the general way is slow
    if value is None or (isinstance(value, Real) and np.isnan(float(value))):
        return np.nan
    return _level(value, column, check) if column.levels else _number(value, column, check)


def _level(value: Any, column: Column, check: BagCheck) -> float:
    if isinstance(value, str) and value in column.levels:
        return float(column.levels.index(value))
    levels = ", ".join(column.levels[:5]) + (", ..." if len(column.levels) > 5 else "")
    raise check.error(
        f"has the unknown level {value!r} in the column {column.name}: its levels are {levels}",
        f"add the level to the schema, or {_MISSING}",
    )


def _number(value: Any, column: Column, check: BagCheck) -> float:
    if not isinstance(value, Real | np.bool_):
        raise check.error(
            f"has {value!r} in the numeric column {column.name}", f"give a number, or levels in the schema; {_MISSING}"
        )
    with np.errstate(over="ignore"):
        number = np.float32(value)
    if not np.isfinite(number):
        raise check.error(f"has {value!r} in the column {column.name}, which is not finite as float32", _MISSING)
    return float(number)
