"""Targets in memory: their kind, and as cells of a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmbench.errors import DataError

KINDS = ("class", "labels", "values")


@dataclass(frozen=True)
class ArrayTarget:
    """The targets of n samples: names of the task, and one row of cells for each sample (None: no target)."""

    kind: str
    names: tuple[str, ...]
    rows: Sequence[Sequence[Any] | None]

    @property
    def line(self) -> str:
        """The target in words."""
        if self.kind != "class":
            return f"target: {self.kind} {', '.join(self.names)}"
        cells = [row[0] for row in self.rows if row is not None]
        return "target: class " + ", ".join(f"{name} ({cells.count(name)})" for name in self.names)


def read_target(y: Any, kind: str | None, names: Sequence[str] | None) -> ArrayTarget:
    """The target from ``y`` ``(n,)`` or ``(n, outputs)``; DataError where its kind is not plain.

    Strings, whole numbers and booleans are classes, other numbers values; a table of 0 and 1 is labels. None and NaN
    are missing targets.
    """
    if kind is not None and kind not in KINDS:
        raise DataError(f"no kind of task {kind!r}", where="task", remedy=f"choose from {', '.join(KINDS)}")
    array = np.asarray(y, dtype=object)
    if array.ndim not in (1, 2) or not array.size:
        raise DataError(f"targets of the shape {array.shape}", where="y", remedy="give (n,) or (n, outputs)")
    rows = [_cells(row) for row in (array[:, None] if array.ndim == 1 else array)]
    known = [row for row in rows if row is not None]
    if not known:
        raise DataError("no sample has a target", where="y", remedy="give one or more")
    found = kind or _guess_kind([cell for row in known for cell in row], array.ndim)
    if found == "class":
        return _classes(rows, names)
    return _numbers(rows, found, array.shape[1] if array.ndim == 2 else 1, names)


def _cells(row: Any) -> list[Any] | None:
    cells = [cell.item() if isinstance(cell, np.generic) else cell for cell in row]
    return None if any(cell is None or cell != cell for cell in cells) else cells


def _guess_kind(cells: list[Any], n_axes: int) -> str:
    if n_axes == 2:
        return "labels" if set(cells) <= {0, 1} else "values"
    return "class" if all(isinstance(cell, (str, bool, int)) for cell in cells) else "values"


def _classes(rows: list[list[Any] | None], names: Sequence[str] | None) -> ArrayTarget:
    known = {row[0] for row in rows if row is not None}
    ordered = sorted(known, key=lambda cell: (isinstance(cell, str), cell))
    found = tuple(str(cell) for cell in ordered)
    if names is None:
        named = dict(zip(ordered, found, strict=True))
    elif set(found) <= set(names):
        named, found = {cell: str(cell) for cell in ordered}, tuple(names)
    elif len(names) > max((cell for cell in ordered if isinstance(cell, int)), default=len(names)):
        named, found = {cell: names[cell] for cell in ordered}, tuple(names)
    else:
        raise DataError(
            f"the classes {', '.join(found)} are not those of names", where="names", remedy="name each class of y"
        )
    return ArrayTarget("class", found, [None if row is None else [named[row[0]]] for row in rows])


def _numbers(rows: list[list[Any] | None], kind: str, n: int, names: Sequence[str] | None) -> ArrayTarget:
    found = tuple(names or (f"{'label' if kind == 'labels' else 'value'}{at}" for at in range(n)))
    if len(found) != n:
        raise DataError(f"{len(found)} names for {n} columns of y", where="names", remedy="name each column")
    for at, row in enumerate(rows):
        if any(not isinstance(cell, (bool, int, float)) for cell in row or ()):
            raise DataError(f"sample {at} has a target that is no number", where="y", remedy="correct it")
        if kind == "labels" and not set(row or ()) <= {0, 1}:
            raise DataError(f"sample {at} has a label other than 0 and 1", where="y", remedy='or write task="values"')
    return ArrayTarget(kind, found, rows)
