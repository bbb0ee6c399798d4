"""A described folder: its table, arrays, rows and schema."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from mmbench import Column, DataError, Modality, Schema, Task
from mmbench.builtin.datasets.folder.arrays import load_array
from mmbench.builtin.datasets.folder.description import Description, Stream, Target, description_path, load_description
from mmbench.builtin.datasets.folder.tables import Table, as_numbers, as_texts
from mmbench.builtin.datasets.folder.understand import Answers, find_table, load_folder_table, understand

PARTS = {"train": "train", "training": "train", "validation": "validation", "valid": "validation"}
PARTS |= {"val": "validation", "dev": "validation", "test": "test"}
_SIZE = 2000  # rows of a unit that is no group
_MANY = 200  # values of a group up to which each is a unit


@dataclass(frozen=True)
class Layout:
    """What a folder holds; ``questions`` are those that no description answers yet."""

    root: Path
    described: Description
    table: Table
    questions: Sequence[tuple[str, str]] = ()

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
        """The column of each group."""
        return {name: as_texts(self.column(column)) for name, column in (self.described.groups or {}).items()}

    @cached_property
    def ids(self) -> list[str]:
        """The ids of the rows: those of the column ``id``, else the only file of a row, else its number."""
        files = [
            stream.columns[0] for stream in self.described.streams.values() if stream.columns and _is_files(stream)
        ]
        column = self.described.id or (files[0] if len(files) == 1 else "")
        texts = as_texts(self.column(column)) if column else []
        if not self.described.id and (None in texts or len(set(texts)) < len(texts)):
            texts = []
        return [text or "" for text in texts] or [f"row-{at + 1:06d}" for at in range(self.table.n)]

    @cached_property
    def targets(self) -> dict[str, list[Any]]:
        """The target of each row for each task, None where there is none; a str where it is not one of the task."""
        return {name: _targets(self, task) for name, task in self.described.tasks.items()}

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
        described = self.described
        modalities = tuple(_modality(self, name, stream) for name, stream in described.streams.items())
        tasks = {name: _task(task) for name, task in described.tasks.items()}
        return Schema(modalities, tasks, tuple(described.groups or ()))

    def column(self, name: str) -> Sequence[Any]:
        """A column of the table; DataError, naming the description, where there is none."""
        if name not in self.table.columns:
            remedy = f"choose from {', '.join(self.table.columns)}"
            raise DataError(
                f"{self.table.path.name} has no column {name!r}", where=description_path(self.root), remedy=remedy
            )
        return self.table.columns[name]

    def array(self, stream: Stream, name: str = "") -> Any:
        """The array of a modality, or another file of it."""
        return load_array(self.folder / (name or stream.file), "" if name else stream.array)

    @property
    def shared(self) -> list[Path]:
        """The files that every unit is read from: the table, the description and the arrays."""
        streams = self.described.streams.values()
        names = [name for stream in streams for name in (stream.file, stream.offsets, stream.present) if name]
        paths = [self.table.path, *(self.folder / name for name in names)]
        return list(dict.fromkeys([*paths, *([description_path(self.root)] if self.is_written else [])]))

    def files(self, rows: Sequence[int]) -> list[Path]:
        """The files that cells of these rows name."""
        columns = [name for stream in self.described.streams.values() if _is_files(stream) for name in stream.columns]
        return [self.folder / str(self.column(name)[at]) for name in columns for at in rows if self.column(name)[at]]


def _is_files(stream: Stream) -> bool:
    return stream.kind not in ("table", "text") or any(name.endswith("file_name") for name in stream.columns)


def is_file_column(stream: Stream) -> bool:
    """Whether the cells of a modality name files."""
    return (
        bool(stream.columns)
        and _is_files(stream)
        and (stream.kind != "vector" or any(name.endswith("file_name") for name in stream.columns))
    )


def open_layout(root: Path) -> Layout:
    """The layout of a folder; read again only where its table or its description changed."""
    path = description_path(root)
    name = load_description(path).table if path.is_file() else find_table(root)
    if not name:
        raise DataError(
            "holds no table of samples, or more than one",
            where=root,
            remedy="add metadata.csv, or name the table in dataset.toml",
        )
    files = [file for file in (path, root if root.is_file() else root / name) if file.exists()]
    return _open(root, name, tuple((file.stat().st_mtime_ns, file.stat().st_size) for file in files))


@lru_cache(maxsize=8)
def _open(root: Path, name: str, _: object) -> Layout:
    table = load_folder_table(root, name)
    path = description_path(root)
    if path.is_file():
        return Layout(root, load_description(path), table)
    found = understand(root, table, Answers())
    return Layout(root, found.described, table, found.questions)


def _targets(layout: Layout, task: Target) -> list[Any]:
    columns = [layout.column(name) for name in task.columns]
    if task.kind == "class":
        number = {name: at for at, name in enumerate(task.names)}
        return [None if text is None else number.get(text, text) for text in as_texts(columns[0])]
    if task.kind == "labels" and len(columns) == 1 and task.names:
        return [_labels(cell, task) for cell in columns[0]]
    numbers = [as_numbers(column) for column in columns]
    for name, found in zip(task.columns, numbers, strict=True):
        if found is None:
            raise DataError(f"column {name} does not hold numbers", where=layout.table.path, remedy="correct it")
    rows: Any = zip(*numbers, strict=True)
    as_type = int if task.kind == "labels" else float
    return [None if None in row else [as_type(each) for each in row] for row in rows]


def _labels(cell: Any, task: Target) -> Any:
    if cell is None and not task.separator:
        return None
    names = cell if isinstance(cell, list) else [each.strip() for each in (cell or "").split(task.separator or ";")]
    unknown = [name for name in names if name and name not in task.names]
    return str(unknown[0]) if unknown else [int(name in names) for name in task.names]


def _task(task: Target) -> Task:
    kind: Any = task.kind  # one of TASKS: checked when the description was read
    return Task(kind, task.names or task.columns, task.metric or None)


def _modality(layout: Layout, name: str, stream: Stream) -> Modality:
    shape = _shape(layout, stream)
    columns: tuple[Column, ...] = ()
    kind: Any = stream.kind  # one of KINDS: checked when the description was read
    resize: Any = stream.resize or None
    if stream.kind == "table":
        columns = tuple(Column(each, stream.levels.get(each, ())) for each in stream.columns)
    return Modality(
        name,
        kind,
        shape,
        stream.instances,
        stream.rate,
        stream.channels,
        columns,
        resize,
    )


def _shape(layout: Layout, stream: Stream) -> tuple[int | None, ...]:
    if stream.kind == "text":
        return ()
    if stream.kind == "table":
        return (len(stream.columns),)
    if stream.kind == "vector" and stream.columns and not is_file_column(stream):
        return (len(stream.columns),)
    if stream.kind == "audio":
        return (1, None)
    if stream.kind == "image" and stream.size:
        return (3, *stream.size)
    array = layout.array(stream) if stream.file else _first_array(layout, stream)
    if stream.offsets:
        return (len(array), None)
    inner = array.shape[1 + (stream.instances > 1) :] if stream.file else array.shape
    if stream.kind == "timeseries" and not stream.file:
        return (inner[0], None)
    if stream.kind == "image":
        return (3, *inner[:2])
    return tuple(inner)


def _first_array(layout: Layout, stream: Stream) -> Any:
    for at in layout.rows:
        path = layout.folder / str(layout.column(stream.columns[0])[at] or "")
        if path.is_file():
            return load_array(path)
    raise DataError(f"no file of {stream.columns[0]} exists", where=layout.table.path, remedy="correct the paths")


def count_duplicates(values: Sequence[str]) -> list[str]:
    """The values that are there more than once."""
    return [value for value, n in Counter(values).items() if n > 1]
