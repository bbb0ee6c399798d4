"""The columns, files and arrays of a folder: the content of ``dataset.toml``."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from mmbench.builtin.datasets.folder.columns import as_texts
from mmbench.builtin.datasets.folder.roles import is_file_column

KINDS = ("timeseries", "audio", "image", "video", "text", "table", "vector")
TASKS = ("class", "labels", "values")
MATCHES = ("order", "id", "key")


@dataclass(frozen=True)
class Stream:
    """A modality: ``columns`` of the table (cells, or paths of files), or an array in ``file``.

    ``match`` says how rows of the file belong to those of the table: in their ``order``, by ids in the array ``id``, or
    by ``key``: each array is called as the id of its row.
    """

    kind: str
    columns: tuple[str, ...] = ()
    file: str = ""
    array: str = ""
    match: str = ""
    id: str = ""
    offsets: str = ""
    present: str = ""
    rate: float | None = None
    size: tuple[int, ...] = ()
    resize: str = ""
    instances: int = 1
    channels: tuple[str, ...] = ()
    may_be_constant: bool = False
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def names_files(self) -> bool:
        """Whether the cells of its columns are names of files."""
        if self.kind == "table":
            return False
        if self.kind in ("text", "vector"):
            return any(map(is_file_column, self.columns))
        return bool(self.columns)


@dataclass(frozen=True)
class Target:
    """A task: its ``columns``, and its ``names``: classes, labels, or values."""

    kind: str
    columns: tuple[str, ...]
    names: tuple[str, ...] = ()
    metric: str = ""
    separator: str = ""


@dataclass(frozen=True)
class Group:
    """A group, or parts: the cells of a ``column``, or what the group of the expression ``pattern`` finds in them."""

    column: str
    pattern: str = ""

    @cached_property
    def expression(self) -> "re.Pattern[str]":
        """The pattern; ValueError where it is not valid or has not exactly one group."""
        try:
            expression = re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"pattern {self.pattern} is not a regular expression ({error})") from None
        if expression.groups != 1:
            raise ValueError(
                f"pattern {self.pattern} has {expression.groups} pairs of parentheses; exactly 1 is needed"
            )
        return expression

    def values(self, cells: Sequence[Any]) -> list[str | None]:
        """The value of each cell; None where it is empty, or the pattern finds nothing."""
        texts = as_texts(cells)
        if not self.pattern:
            return texts
        found = (None if text is None else self.expression.search(text) for text in texts)
        return [match[1] or None if match else None for match in found]

    def __str__(self) -> str:
        return f"{self.column}:{self.pattern}" if self.pattern else self.column


@dataclass(frozen=True)
class Description:
    """The content of ``dataset.toml``; ``groups`` None: not declared, empty: none.

    ``tables`` are other files with columns, matched by id; ``split`` finds the parts of the official split, ``missing``
    are texts of empty cells.
    """

    name: str
    table: str
    tables: tuple[str, ...] = ()
    id: str = ""
    split: Group | None = None
    missing: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    groups: Mapping[str, Group] | None = None
    tasks: Mapping[str, Target] = field(default_factory=dict)
    streams: Mapping[str, Stream] = field(default_factory=dict)


def description_path(root: Path) -> Path:
    """Where the description of a folder is, or that of a single file: ``NAME.dataset.toml`` beside it."""
    return root / "dataset.toml" if root.is_dir() else root.with_name(f"{root.stem}.dataset.toml")
