"""Targets in memory: their kinds, and as cells of a table."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, get_args

import numpy as np

from mmbench.contract import TaskKind
from mmbench.data.in_memory.columns import is_table, plain_cell, read_columns
from mmbench.errors import DataError
from mmbench.storage import counted

_FEW = 20  # distinct whole numbers up to which they may be classes
_DEFAULT = "target"


@dataclass(frozen=True)
class ArrayTask:
    """The targets of n samples: ``names`` of classes, labels or values, and a row of cells for each (None: missing)."""

    name: str
    kind: str
    names: tuple[str, ...]
    rows: Sequence[Sequence[Any] | None]

    @property
    def columns(self) -> dict[str, list[Any]]:
        """The columns of a table: the name of the class, or a column for each label or value."""
        titles = [f"target:{self.name}"]
        if self.kind != "class":
            titles = [f"target:{self.name}:{name}" for name in self.names]
        return {title: [None if row is None else row[place] for row in self.rows] for place, title in enumerate(titles)}

    @property
    def line(self) -> str:
        """The task in words."""
        known = [row for row in self.rows if row is not None]
        without = len(self.rows) - len(known)
        missing = f"; {counted(without, 'sample')} without" if without else ""
        if self.kind == "class":
            cells = [row[0] for row in known]
            counts = ", ".join(f"{name} {cells.count(name)}" for name in self.names)
            return f"target {self.name}: class, {len(self.names)} names ({counts}){missing}"
        if self.kind == "labels":
            counts = ", ".join(f"{name} {sum(row[at] for row in known)}" for at, name in enumerate(self.names))
            return f"target {self.name}: labels ({counts}){missing}"
        ranges = (f"{name} {low:g} to {high:g}" for name, low, high in self._ranges(known))
        return f"target {self.name}: values ({', '.join(ranges)}){missing}"

    def _ranges(self, known: Sequence[Sequence[Any]]) -> list[tuple[str, float, float]]:
        return [
            (name, min(cells), max(cells)) for name, cells in zip(self.names, zip(*known, strict=True), strict=True)
        ]


def read_tasks(y: Any, task: Any, names: Any) -> list[ArrayTask]:
    """The tasks of ``y``: targets ``(n,)`` or ``(n, outputs)``, or a mapping of several by name.

    ``task`` and ``names`` are then mappings too. DataError, naming the argument, where a kind is not plain.
    """
    if not isinstance(y, Mapping):
        return [_read_task(_DEFAULT, *_as_rows(y, names), task)]
    for argument, given in (("task", task), ("names", names)):
        if given is not None and not isinstance(given, Mapping):
            raise DataError("y has several targets", where=argument, remedy=f"write {argument}={{TARGET: ...}}")
        if unknown := [name for name in given or () if name not in y]:
            raise DataError(f"y has no target {unknown[0]!r}", where=argument, remedy="correct its name")
    if not y:
        raise DataError("is empty", where="y", remedy='write {"label": [...]}')
    tasks = [
        _read_task(str(name), *_as_rows(cells, (names or {}).get(name), f"y[{name!r}]"), (task or {}).get(name))
        for name, cells in y.items()
    ]
    if len({len(each.rows) for each in tasks}) > 1:
        raise DataError(
            "targets differ in length", where="y", remedy="give one for each sample, None where there is none"
        )
    return tasks


def _as_rows(y: Any, names: Sequence[str] | None, where: str = "y") -> tuple[Any, Sequence[str] | None, str]:
    """The targets of a frame as rows with the names of its columns; other targets as they are."""
    if not is_table(y):
        return y, names, where
    columns = read_columns(y, where)
    if len(columns) == 1:
        return next(iter(columns.values())), names, where
    return [list(row) for row in zip(*columns.values(), strict=True)], names or list(columns), where


def _read_task(name: str, y: Any, names: Sequence[str] | None, where: str, kind: str | None) -> ArrayTask:
    kinds = get_args(TaskKind)
    if kind is not None and kind not in kinds:
        raise DataError(f"no kind of task {kind!r}", where="task", remedy=f"choose from {', '.join(kinds)}")
    if isinstance(names, str):
        raise DataError("is one text", where="names", remedy=f'write ["{names}"]')
    rows, is_wide = _read_rows(y, where)
    known = [row for row in rows if row is not None]
    if not known:
        raise DataError("no sample has a target", where=where, remedy="give one or more")
    found = kind or _find_kind(known, is_wide, where)
    if found == "class":
        return _classes(name, rows, where, names)
    if found == "labels" and _are_names(known):
        return _named_labels(name, rows, where, names)
    return _numbers(name, rows, where, found, names)


def _read_rows(y: Any, where: str) -> tuple[list[list[Any] | None], bool]:
    """A row of cells for each sample, None where one is missing, and whether ``y`` has a second axis."""
    if isinstance(y, str) or not hasattr(y, "__len__"):
        raise DataError(f"{type(y).__name__} is no sequence", where=where, remedy="give one target for each sample")
    cells = (
        [plain_cell(cell, where) for cell in (y.tolist() if hasattr(y, "tolist") else list(y))] if _is_flat(y) else []
    )
    if not cells:
        array = np.asarray(y)
        if array.ndim != 2 or not array.size:
            raise DataError(f"has the shape {array.shape}", where=where, remedy="give (n,) or (n, outputs)")
        cells = [plain_cell(row, where) for row in array.tolist()]
    if is_wide := any(isinstance(cell, list) for cell in cells):
        rows = [cell if isinstance(cell, list) or cell is None else [cell] for cell in cells]
        widths = {len(row) for row in rows if row is not None}
        if widths == {1}:
            is_wide = False
        return [None if row is None or None in row else row for row in rows], is_wide
    return [None if cell is None else [cell] for cell in cells], False


def _is_flat(y: Any) -> bool:
    return getattr(y, "ndim", 1) == 1 and len(y) > 0


def _are_names(known: Sequence[Sequence[Any]]) -> bool:
    return all(isinstance(cell, str) for row in known for cell in row)


def _find_kind(known: Sequence[Sequence[Any]], is_wide: bool, where: str) -> str:
    """The kind where it is plain; DataError with what to write where it is not."""
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
    if _are_names(known):
        return "labels"
    if any(isinstance(cell, str | list) for cell in cells):
        raise DataError("has rows of several types", where=where, remedy="give numbers, or lists of names of labels")
    if set(cells) <= {0, 1}:
        if all(sum(row) == 1 for row in known):
            remedy = 'write task="labels", or give classes with y.argmax(axis=1)'
            raise DataError("every row has exactly one 1, as one-hot classes have", where=where, remedy=remedy)
        return "labels"
    return "values"


def _classes(task: str, rows: Sequence[Sequence[Any] | None], where: str, names: Sequence[str] | None) -> ArrayTask:
    known = {row[0] for row in rows if row is not None}
    if any(isinstance(cell, list) for cell in known) or {len(row) for row in rows if row is not None} != {1}:
        raise DataError("has several columns", where=where, remedy='give classes as (n,), or write task="labels"')
    if len({isinstance(cell, str) for cell in known}) > 1:
        raise DataError("has texts and numbers", where=where, remedy="give one type")
    as_text = {cell: _class_name(cell) for cell in sorted(known)}
    found = tuple(as_text.values())
    if names is not None:
        named = tuple(map(str, names))
        if len(set(named)) < len(named):
            raise DataError("a class is there twice", where="names", remedy="name each class once")
        if not set(found) <= set(named):
            as_text = _by_number(as_text, named)
        found = named
    return ArrayTask(task, "class", found, [None if row is None else [as_text[row[0]]] for row in rows])


def _class_name(cell: Any) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _by_number(classes: Mapping[Any, str], names: tuple[str, ...]) -> dict[Any, str]:
    """The name of each class that is the number of one."""
    for cell in classes:
        if isinstance(cell, str) or not float(cell).is_integer() or not 0 <= cell < len(names):
            remedy = f"name each of {', '.join(classes.values())}; class 0 is the first of the names"
            raise DataError(f"do not name class {classes[cell]!r}", where="names", remedy=remedy)
    return {cell: names[int(cell)] for cell in classes}


def _named_labels(
    task: str, rows: Sequence[Sequence[Any] | None], where: str, names: Sequence[str] | None
) -> ArrayTask:
    known = sorted({cell for row in rows for cell in row or ()})
    found = tuple(map(str, names)) if names is not None else tuple(known)
    if unknown := [name for name in known if name not in found]:
        raise DataError(f"{where} has the label {unknown[0]!r}", where="names", remedy="name each label")
    if not found:
        raise DataError("no sample has a label", where=where, remedy="name the labels with names=[...]")
    return ArrayTask(
        task, "labels", found, [None if row is None else [int(name in row) for name in found] for row in rows]
    )


def _numbers(
    task: str, rows: Sequence[Sequence[Any] | None], where: str, kind: str, names: Sequence[str] | None
) -> ArrayTask:
    widths = {len(row) for row in rows if row is not None}
    if len(widths) != 1:
        raise DataError("has rows of unequal length", where=where, remedy="give one column for each label or value")
    (n,) = widths
    prefix = "label" if kind == "labels" else "value"
    found = (
        tuple(map(str, names))
        if names is not None
        else (task,)
        if n == 1
        else tuple(f"{prefix}{at}" for at in range(n))
    )
    if len(found) != n or len(set(found)) != n:
        raise DataError(
            f"{counted(len(found), 'name')} for {counted(n, 'column')}", where="names", remedy="name each column once"
        )
    for at, row in enumerate(rows):
        if any(not isinstance(cell, bool | int | float) for cell in row or ()):
            raise DataError(f"sample {at} has a target that is no number", where=where, remedy="correct it")
        if kind == "labels" and not set(row or ()) <= {0, 1}:
            raise DataError(f"sample {at} has a label other than 0 and 1", where=where, remedy='or write task="values"')
    as_type = int if kind == "labels" else float
    return ArrayTask(task, kind, found, [None if row is None else [as_type(cell) for cell in row] for row in rows])
