"""The kinds of targets in memory, with an error that says what to write where they are ambiguous."""

from collections.abc import Collection, Sequence
from itertools import chain
from typing import Any, get_args

from mmbench.contract import TaskKind
from mmbench.errors import DataError
from mmbench.registry import did_you_mean
from mmbench.storage import counted

_FEW = 20  # distinct whole numbers up to which they may be classes
_OTHER_WORDS = {"classification": "class", "multiclass": "class", "multilabel": "labels", "regression": "values"}


def check_kind(kind: Any) -> None:
    """Raise DataError for what is no kind of a task, with what to write."""
    kinds = get_args(TaskKind)
    if kind is not None and kind not in kinds:
        known = _OTHER_WORDS.get(str(kind).lower())
        remedy = f'write task="{known}"' if known else did_you_mean(str(kind), kinds)
        raise DataError(f"no kind of task {kind!r}", where="task", remedy=remedy)


def are_names(known: Sequence[Sequence[Any]]) -> bool:
    """Whether all cells are texts."""
    return all(isinstance(cell, str) for row in known for cell in row)


def find_kind(known: Sequence[Sequence[Any]], is_wide: bool, where: str) -> str:
    """The kind of rows of cells; ``is_wide``: they have a second axis. DataError, with what to write, if it is unclear.

    Texts and booleans are classes, whole numbers if they are few; other numbers are values. With a second axis, names
    and 0 and 1 are labels.
    """
    cells = list(chain.from_iterable(known))
    if is_wide:
        return _find_wide_kind(known, cells, where)
    if all(isinstance(cell, str | bool) for cell in cells):
        return "class"
    if any(isinstance(cell, str) for cell in cells):
        raise DataError("has texts and numbers", where=where, remedy="give one type")
    whole, distinct = all(float(cell).is_integer() for cell in cells), len(set(cells))
    are_whole_type = all(isinstance(cell, bool | int) for cell in cells)
    if whole and are_whole_type != (distinct <= _FEW):
        what = f"{counted(distinct, 'distinct whole number')}{'' if are_whole_type else ' as floats'}"
        remedy = 'write task="class" or task="values"'
        raise DataError(f"{what} may be classes or values", where=where, remedy=remedy)
    return "class" if are_whole_type else "values"


def _find_wide_kind(known: Sequence[Sequence[Any]], cells: Collection[Any], where: str) -> str:
    if are_names(known):
        return "labels"
    if any(isinstance(cell, str | list) for cell in cells):
        raise DataError("has rows of several types", where=where, remedy="give numbers, or lists of names of labels")
    if set(cells) <= {0, 1}:
        if all(sum(row) == 1 for row in known) and len({len(row) for row in known}) == 1:
            remedy = 'write task="labels", or give classes with y.argmax(axis=1)'
            raise DataError("every row has exactly one 1, as one-hot classes have", where=where, remedy=remedy)
        return "labels"
    return "values"
