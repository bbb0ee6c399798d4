"""Targets in memory: their kinds, and as cells of a table."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmbench.contract import Task
from mmbench.data.in_memory.columns import holds_dates, is_table, plain_cell, read_columns
from mmbench.data.in_memory.dense_arrays import as_array
from mmbench.data.in_memory.target_kinds import are_names, check_kind, find_kind
from mmbench.errors import DataError
from mmbench.storage import counted

_DEFAULT = "target"
_SHOWN = 20  # names of classes, labels or values in a line


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
    def task(self) -> Task:
        """The task as a schema holds it."""
        kind: Any = self.kind  # one of TaskKind: checked when it was read
        return Task(kind, self.names)

    @property
    def line(self) -> str:
        """The task in words."""
        known = [row for row in self.rows if row is not None]
        without = len(self.rows) - len(known)
        missing = f"; {counted(without, 'sample')} without" if without else ""
        more = f", and {len(self.names) - _SHOWN} more" if len(self.names) > _SHOWN else ""
        title = "target" if self.name == _DEFAULT else f"target {self.name}"
        number = f", {counted(len(self.names), 'name')}" if self.kind == "class" else ""
        return f"{title}: {self.kind}{number} ({', '.join(self._contents(known)[:_SHOWN])}{more}){missing}"

    def _contents(self, known: Sequence[Sequence[Any]]) -> list[str]:
        """What is known of each name: the number of its samples, or the range of its values."""
        if self.kind == "class":
            counts = Counter(row[0] for row in known)
            return [f"{name} {counts[name]}" for name in self.names]
        columns = zip(self.names, zip(*known, strict=True), strict=True)
        if self.kind == "labels":
            return [f"{name} {sum(cells)}" for name, cells in columns]
        return [f"{name} {min(cells):g} to {max(cells):g}" for name, cells in columns]


def read_tasks(y: Any, task: Any, names: Any) -> list[ArrayTask]:
    """The tasks of ``y``: targets ``(n,)`` or ``(n, outputs)``, or a mapping of several by name.

    ``task`` and ``names`` are then mappings too. DataError, naming the argument, where a kind is ambiguous.
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
    check_kind(kind)
    if isinstance(names, str):
        raise DataError("is one text", where="names", remedy=f'write ["{names}"]')
    if isinstance(names, Mapping):
        raise DataError("is a mapping", where="names", remedy="write names=[...] in the order of the numbers from 0")
    if holds_dates(y):
        raise DataError("holds dates or times", where=where, remedy="give numbers, or names of classes")
    rows, is_wide = _read_rows(y, where)
    known = [row for row in rows if row is not None]
    if not known:
        raise DataError("no sample has a target", where=where, remedy="give one or more")
    found = kind or find_kind(known, is_wide, where)
    if found == "class":
        return _classes(name, rows, where, names)
    if found == "labels" and are_names(known):
        return _named_labels(name, rows, where, names)
    return _numbers(name, rows, where, found, names)


def _read_rows(y: Any, where: str) -> tuple[list[list[Any] | None], bool]:
    """A row of cells for each sample, None where one is missing, and whether ``y`` has a second axis."""
    if isinstance(y, str) or not hasattr(y, "__len__"):
        raise DataError(f"{type(y).__name__} is no sequence", where=where, remedy="give one target for each sample")
    if not len(y):
        raise DataError("is empty", where=where, remedy="give one target for each sample")
    if getattr(y, "ndim", 1) == 1:
        cells = [plain_cell(cell, where) for cell in (y.tolist() if hasattr(y, "tolist") else list(y))]
    else:
        array = as_array(y, where)
        if array.ndim != 2 or not array.size:
            raise DataError(f"has the shape {array.shape}", where=where, remedy="give (n,) or (n, outputs)")
        cells = [plain_cell(row, where) for row in array.tolist()]
    rows = [cell if isinstance(cell, list) or cell is None else [cell] for cell in cells]
    is_wide = any(isinstance(cell, list) for cell in cells) and {len(row) for row in rows if row is not None} != {1}
    return [None if row is None or None in row else row for row in rows], is_wide


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
    if len(found) < 2:
        remedy = "give two classes or more, or name them with names=[...]"
        raise DataError(f"every sample has the class {found[0]!r}", where=where, remedy=remedy)
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
