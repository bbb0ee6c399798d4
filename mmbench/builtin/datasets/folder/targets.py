"""Targets of the rows of a table, as tasks of the schema."""

from collections.abc import Sequence
from typing import Any

from mmbench import DataError, Task
from mmbench.builtin.datasets.folder.columns import NO_VALUE, as_numbers, as_texts
from mmbench.builtin.datasets.folder.description import Target
from mmbench.builtin.datasets.folder.tables import Table


def make_task(task: Target) -> Task:
    """The task that a description states."""
    kind: Any = task.kind  # one of TASKS: checked when the description was read
    return Task(kind, task.names or task.columns, task.metric or None)


def read_targets(table: Table, columns: Sequence[Sequence[Any]], task: Target) -> list[Any]:
    """The target of each row, None where there is none; a str where it is not one of the task."""
    if task.kind == "class":
        number = {name: at for at, name in enumerate(task.names)}
        return [_class_of(text, number) for text in as_texts(columns[0])]
    if task.kind == "labels" and len(columns) == 1 and task.names:
        return [_labels(cell, task) for cell in columns[0]]
    numbers = [as_numbers(column) for column in columns]
    for name, found in zip(task.columns, numbers, strict=True):
        if found is None:
            raise DataError(f"column {name} does not hold numbers", where=table.path, remedy="correct it")
    rows: Any = zip(*numbers, strict=True)
    as_type = int if task.kind == "labels" else float
    return [None if None in row else [as_type(each) for each in row] for row in rows]


def _class_of(text: str | None, number: dict[str, int]) -> int | str | None:
    """The number of a class; a text such as NA that is no class is no target."""
    if text is None or text in number:
        return None if text is None else number[text]
    return None if text.strip().lower() in NO_VALUE else text


def _labels(cell: Any, task: Target) -> Any:
    if cell is None and not task.separator:
        return None
    names = cell if isinstance(cell, list) else [each.strip() for each in (cell or "").split(task.separator or ";")]
    unknown = [name for name in names if name and name not in task.names]
    return str(unknown[0]) if unknown else [int(name in names) for name in task.names]
