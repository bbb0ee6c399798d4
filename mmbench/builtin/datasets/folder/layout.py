"""A described folder: its table, arrays, rows and schema."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mmbench import DataError, Schema
from mmbench.builtin.datasets.folder.arrays import join_arrays, load_array, load_arrays
from mmbench.builtin.datasets.folder.columns import as_numbers, as_texts, find_width
from mmbench.builtin.datasets.folder.description import Description, Stream, description_path
from mmbench.builtin.datasets.folder.description_file import load_description
from mmbench.builtin.datasets.folder.find_files import load_main_table
from mmbench.builtin.datasets.folder.merging import Match, MergedTable, match_ids, merge_tables
from mmbench.builtin.datasets.folder.part_tables import PART_TABLES
from mmbench.builtin.datasets.folder.questions import Answers, Question
from mmbench.builtin.datasets.folder.roles import IDS, find_single
from mmbench.builtin.datasets.folder.shapes import make_schema
from mmbench.builtin.datasets.folder.tables import Table, load_table, named_files
from mmbench.builtin.datasets.folder.targets import read_targets
from mmbench.builtin.datasets.folder.tree import FOLDERS, PARTS, find_class_folders
from mmbench.builtin.datasets.folder.understand import understand

_SIZE = 2000  # rows of a unit that is no group
_MOST_OPENED = 8  # layouts that are kept in memory
_MANY = 200  # values of a group up to which each is a unit


@dataclass(frozen=True)
class Layout:
    """What a folder holds; ``questions`` are those that no description answers yet."""

    root: Path
    described: Description
    merged: MergedTable
    questions: Sequence[Question] = ()

    @property
    def table(self) -> Table:
        """The rows of the samples, with the columns of all tables."""
        return self.merged.table

    @property
    def folder(self) -> Path:
        """The folder that paths in the table and in the description start from."""
        return self.root.parent if self.root.is_file() else self.root

    @property
    def is_written(self) -> bool:
        """Whether the description is a file."""
        return description_path(self.root).is_file()

    @cached_property
    def groups(self) -> dict[str, list[str | None]]:
        """The value of each row for each group; None where there is none."""
        groups = self.described.groups or {}
        return {name: group.values(self.column(group.column)) for name, group in groups.items()}

    @cached_property
    def ids(self) -> list[str]:
        """The ids of the rows: those of the column ``id``, else the only file of a row, else its number."""
        files = [stream.columns[0] for stream in self.described.streams.values() if stream.names_files]
        column = self.described.id or (files[0] if len(files) == 1 else "")
        texts = as_texts(self.column(column)) if column else []
        if not self.described.id and (None in texts or len(set(texts)) < len(texts)):
            texts = []
        return [text or "" for text in texts] or [f"row-{at + 1:06d}" for at in range(self.table.n)]

    @cached_property
    def matches(self) -> dict[str, Match]:
        """The rows of the array of each modality that is matched by id, or by the names of the arrays."""
        return {name: match for name, stream in self.described.streams.items() if (match := self._match(stream))}

    def _match(self, stream: Stream) -> Match | None:
        path = self.folder / stream.file
        if stream.match == "key":
            return match_ids(path, list(load_arrays(path)), self.ids, self.table.path)
        if stream.match != "id":
            return None
        name = stream.id or find_single(load_arrays(path), IDS)
        if not name:
            raise DataError("has no array of ids", where=path, remedy="call it id, or name it with the key id")
        found = load_array(path, name)
        if len(found) != len(self.array(stream)):
            message = f"has {len(found)} ids in {name} for {len(self.array(stream))} rows"
            raise DataError(message, where=path, remedy="give each row its id")
        return match_ids(path, found.tolist(), self.ids, self.table.path)

    @cached_property
    def parts(self) -> list[str | None]:
        """The part of each row in the official split; in its own words where it is none."""
        split = self.described.split
        texts = split.values(self.column(split.column)) if split else [None] * self.table.n
        return [None if text is None else PARTS.get(text.strip().lower(), text) for text in texts]

    @cached_property
    def targets(self) -> dict[str, list[Any]]:
        """The target of each row for each task, None where there is none; a str where it is not one of the task."""
        return {
            name: read_targets(self.table, [self.column(each) for each in task.columns], task)
            for name, task in self.described.tasks.items()
        }

    @cached_property
    def rows(self) -> list[int]:
        """The rows that have a target of at least one task."""
        return [at for at in range(self.table.n) if any(each[at] is not None for each in self.targets.values())]

    @cached_property
    def units(self) -> dict[str, list[int]]:
        """The rows of each unit: a value of the first group, or a block of rows."""
        values = next(iter(self.groups.values()), [])
        if values and len(set(values)) <= _MANY:
            units: dict[str, list[int]] = {}
            for at in self.rows:
                units.setdefault(values[at] or "unknown", []).append(at)
            return units
        return {
            f"rows-{rows[0] + 1}-{rows[-1] + 1}": rows
            for start in range(0, len(self.rows), _SIZE)
            for rows in [self.rows[start : start + _SIZE]]
        }

    @cached_property
    def schema(self) -> Schema:
        """The schema that the description states."""
        return make_schema(self)

    @cached_property
    def cells(self) -> dict[str, Any]:
        """The cells of each modality that has columns: numbers, levels and lists by column, or texts and paths."""
        return {name: self._cells(stream) for name, stream in self.described.streams.items() if stream.columns}

    def _cells(self, stream: Stream) -> Any:
        columns = [self.column(name) for name in stream.columns]
        if stream.kind not in ("table", "vector") or stream.names_files:
            return columns
        if stream.kind == "vector" and len(columns) == 1 and find_width(columns[0]):
            return {stream.columns[0]: columns[0]}
        cells = {}
        for name, column in zip(stream.columns, columns, strict=True):
            values = as_texts(column) if name in stream.levels else as_numbers(column)
            if values is None:
                remedy = f"give its levels in dataset.toml, or ignore = [{name!r}]"
                raise DataError(f"column {name} does not hold numbers", where=self.table.path, remedy=remedy)
            cells[name] = values
        return cells

    def column(self, name: str) -> Sequence[Any]:
        """A column of the table; DataError, naming the description, where there is none."""
        if name not in self.table.columns:
            remedy = f"choose from {', '.join(self.table.columns)}"
            message = f"{self.table.path.name} has no column {name!r}"
            raise DataError(message, where=description_path(self.root), remedy=remedy)
        return self.table.columns[name]

    def array(self, stream: Stream, name: str = "") -> Any:
        """The array of a modality, that of all parts where tables of parts hold it, or another file of it."""
        if not name and stream.file == PART_TABLES:
            return join_arrays(self.table.files, stream.array)
        return load_array(self.folder / (name or stream.file), "" if name else stream.array)

    @property
    def shared(self) -> list[Path]:
        """The files that every unit is read from: the tables, the description and the arrays."""
        streams = self.described.streams.values()
        names = [
            name
            for stream in streams
            for name in (stream.file, stream.offsets, stream.present)
            if name and name != PART_TABLES
        ]
        paths = [self.table.path, *self.table.files, *(self.folder / name for name in (*self.described.tables, *names))]
        paths += [description_path(self.root)] if self.is_written else []
        return list(dict.fromkeys(path for path in paths if not path.is_dir()))

    def files(self, rows: Sequence[int]) -> list[Path]:
        """The files that cells of these rows name."""
        columns = [name for stream in self.described.streams.values() if stream.names_files for name in stream.columns]
        cells = [self.column(name) for name in columns]
        return [self.folder / name for column in cells for name in named_files([column[at] for at in rows])]


_opened: dict[Path, tuple[Layout, list[Path], list[tuple[int, int, int] | None]]] = {}


def open_layout(root: Path) -> Layout:
    """The layout of a folder; read again only where its tables, arrays, folders or description changed."""
    if root in _opened:
        layout, watched, times = _opened[root]
        if [_stat(path) for path in watched] == times:
            return layout
    path = description_path(root)
    layout = _read(root, load_description(path)) if path.is_file() else discover(root, Answers())
    watched = [root, path, *layout.shared]
    if layout.described.table == FOLDERS:
        folders = [root / name for name in find_class_folders(root)]
        watched += [*folders, *(folder.parent for folder in folders)]
    watched += [path.parent for path in layout.table.files]
    _opened.pop(next(iter(_opened)) if len(_opened) >= _MOST_OPENED else root, None)
    _opened[root] = (layout, watched, [_stat(each) for each in watched])
    return layout


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size


def _read(root: Path, described: Description) -> Layout:
    """The layout that a description states."""
    if root.is_file() and described.table != root.name:
        remedy = "rename one of the two files, or describe again with --out"
        raise DataError(f"describes {described.table}, not {root.name}", where=description_path(root), remedy=remedy)
    table = load_main_table(root, described.table)
    folder = root.parent if root.is_file() else root
    others = [load_table(folder / name) for name in described.tables]
    merged = merge_tables(table, described.id, others)
    if described.missing:
        merged = replace(merged, table=merged.table.without_texts(described.missing))
    return Layout(root, described, merged)


def discover(root: Path, answers: Answers) -> Layout:
    """The layout of a folder as far as it is plain; its questions are what has to be asked."""
    found = understand(root, answers)
    return Layout(root, found.described, found.merged, found.questions)
