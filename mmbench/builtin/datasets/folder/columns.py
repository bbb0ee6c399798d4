"""Columns of a table as numbers, texts or vectors, and cells that do not fit their column."""

import re
from collections.abc import Sequence
from typing import Any

NO_VALUE = frozenset({"", "na", "nan", "n/a", "null", "none"})
"""Texts, in lower case, that may stand for an empty cell; in a column of numbers they do."""
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


def as_numbers(values: Sequence[Any]) -> list[float | None] | None:
    """The numbers of a column, None for an empty cell; None if a cell holds anything else, or all are empty."""
    numbers: list[float | None] = []
    for value in values:
        if value is None:
            numbers.append(None)
            continue
        if not isinstance(value, str | float) and not _is_number(value):
            return None
        try:
            number = float(value)
        except ValueError:
            if value.strip().lower() not in NO_VALUE:
                return None
            numbers.append(None)
        else:
            numbers.append(None if number != number else number)
    return numbers if any(number is not None for number in numbers) else None


def _is_number(value: Any) -> bool:
    return hasattr(value, "__float__") and not isinstance(value, bool)


def as_texts(values: Sequence[Any]) -> list[str | None]:
    """The cells of a column as texts, such as ids and names of classes; None where empty."""
    return [None if value is None or value != value else _text(value) for value in values]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def find_width(values: Sequence[Any]) -> int | None:
    """The length of the lists of numbers in a column of such lists of one length; None for any other column."""
    lists = [value for value in values if value is not None]
    widths = {len(value) if isinstance(value, list) else 0 for value in lists}
    if len(widths) != 1 or widths == {0}:
        return None
    numbers = (number for each in lists for number in each)
    fits = all(isinstance(number, int | float) and not isinstance(number, bool) for number in numbers)
    return widths.pop() if fits else None


def find_decimal_comma(values: Sequence[Any]) -> str | None:
    """The first cell of a column of numbers with decimal commas; None for any other column."""
    texts = [value for value in values if isinstance(value, str)]
    commas = [text for text in texts if "," in text and _DECIMAL_COMMA.fullmatch(text.strip())]
    if not commas:
        return None
    known = set(commas)
    rest = [text for text in texts if text not in known]
    return commas[0] if as_numbers(rest or [0]) is not None else None


def find_odd_cell(values: Sequence[Any]) -> int | None:
    """The first cell that is no number in a column of which more than half of the cells are; None for any other."""
    odd: list[int] = []
    n_numbers = n_cells = 0
    for at, value in enumerate(values):
        if value is None:
            continue
        n_cells += 1
        if as_numbers([value]) is not None:
            n_numbers += 1
        elif not isinstance(value, str) or value.strip().lower() not in NO_VALUE:
            odd.append(at)
    return odd[0] if odd and 2 * n_numbers > n_cells else None
