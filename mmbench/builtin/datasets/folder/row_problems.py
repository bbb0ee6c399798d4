"""Problems of single rows of a folder: their ids, groups, targets, parts, cells and files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmbench import Problem
from mmbench.builtin.datasets.folder.layout import Layout
from mmbench.builtin.datasets.folder.merging import join_first
from mmbench.builtin.datasets.folder.tables import named_files
from mmbench.builtin.datasets.folder.tree import PARTS

_LARGEST, _LARGEST_TARGET = 3.4028235e38, 1e100  # of float32; its square, summed over samples, must be finite
_SHORT = 64  # bytes of a text that may be nothing but white space


def find_bad_rows(layout: Layout, table: str) -> Iterator[Problem]:
    """Rows without an id or a group, of no class of the task, in no part, or with a number that is infinite.

    Each is a problem of its samples only.
    """
    rows = layout.rows
    if without := [at for at in rows if not layout.ids[at]]:
        yield _bad_rows(layout, table, without, "without an id", "give each row its id")
    for name, group in (layout.described.groups or {}).items():
        if without := [at for at in rows if layout.groups[name][at] is None]:
            why = (
                f"in whose {group.column} the pattern {group.pattern} finds nothing"
                if group.pattern
                else "without a value"
            )
            yield _bad_rows(layout, table, without, f"{why} for group {name}", "fill it in, or correct [groups]")
    for name, targets in layout.targets.items():
        if wrong := [at for at in rows if isinstance(targets[at], str)]:
            what = f"with {targets[wrong[0]]!r}, which is not among the names of task {name}"
            yield _bad_rows(layout, table, wrong, what, "add it to dataset.toml, or correct the row")
        if endless := [
            at for at in rows if isinstance(targets[at], list) and not _are_in(targets[at], _LARGEST_TARGET)
        ]:
            remedy = "correct it, or leave the cell empty where it is not known"
            yield _bad_rows(layout, table, endless, f"whose target {name} is infinite or too large", remedy)
    yield from _find_part_problems(layout, table)
    for name, stream in layout.described.streams.items():
        cells: Any = layout.cells.get(name)
        for column in [each for each in stream.columns if isinstance(cells, dict) and each not in stream.levels]:
            values = [(at, cells[column][at]) for at in rows]
            if wrong := [at for at, value in values if isinstance(value, float) and not _are_in([value], _LARGEST)]:
                what = f"with {cells[column][wrong[0]]:g} in column {column}, which is not finite as float32"
                yield _bad_rows(layout, table, wrong, what, "correct it, or leave the cell empty")


def _find_part_problems(layout: Layout, table: str) -> Iterator[Problem]:
    """Rows in no part of the official split; a problem of the whole dataset where its column names no part at all."""
    parts = [layout.parts[at] for at in layout.rows]
    wrong = [at for at, part in zip(layout.rows, parts, strict=True) if part not in (None, *PARTS.values())]
    if not wrong:
        return
    first = layout.parts[wrong[0]]
    if len(wrong) == len(parts) - parts.count(None):
        split = layout.described.split
        message = f"column {split.column if split else ''} names no part: {layout.table.row(wrong[0])} has {first!r}"
        yield Problem(table, message, "use train, validation or test, or choose another column")
    else:
        remedy = f"use {', '.join(dict.fromkeys(PARTS.values()))}"
        yield _bad_rows(layout, table, wrong, f"in the part {first!r}", remedy)


def _bad_rows(layout: Layout, table: str, rows: Sequence[int], what: str, remedy: str) -> Problem:
    n = len(rows)
    shown = join_first([layout.table.row(at) for at in rows])
    remedy = f"{remedy}, or leave such rows out with --bad drop"
    return Problem(table, f"{n} row{'s' * (n > 1)} {what} ({shown})", remedy, concerns="sample")


def _are_in(numbers: Sequence[float], largest: float) -> bool:
    return all(-largest < number < largest for number in numbers)


def find_bad_files(layout: Layout) -> Iterator[Problem]:
    """Files that are missing, and those without content, counted; each is a problem of its samples only."""
    for name, stream in layout.described.streams.items():
        if not stream.names_files:
            continue
        cells = [layout.column(column)[at] for column in stream.columns for at in layout.rows]
        paths = [layout.folder / path for path in dict.fromkeys(named_files(cells))]
        for path in paths:
            if not path.is_file():
                remedy = "put it there, or leave it out with --bad drop"
                yield Problem(str(path), "is missing", remedy, concerns="sample")
        empty = [path for path in paths if path.is_file() and _is_empty(path, stream.kind)]
        if empty:
            n, shown = len(empty), join_first([path.name for path in empty])
            message = f"is empty, as {n - 1} other{'s' * (n > 2)} of {len(paths)} files of {name} ({shown})"
            remedy = "fill them in, take their names out of the table, or leave such rows out with --bad drop"
            yield Problem(str(empty[0]), message if n > 1 else "is empty", remedy, concerns="sample")


def _is_empty(path: Path, kind: str) -> bool:
    """Whether a file has no byte, or a text nothing but white space."""
    size = path.stat().st_size
    return not size or (kind == "text" and size <= _SHORT and not path.read_bytes().strip(b" \t\r\n\xef\xbb\xbf"))
