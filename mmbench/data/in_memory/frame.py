"""A dataset from the columns of a frame."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from mmbench.data.dataset_files import default_cache_folder
from mmbench.data.in_memory.columns import read_columns
from mmbench.data.in_memory.folder import TABLE, DataFolder, FolderContent, check_dataset_name, write_folder
from mmbench.data.in_memory.target_kinds import check_kind
from mmbench.errors import DataError, SpecError
from mmbench.registry import Spec, did_you_mean, load_registry
from mmbench.storage import counted

_WHERE = "from_frame"


def from_frame(
    frame: Any,
    *,
    target: str,
    groups: Mapping[str, str] | None = None,
    split: str | None = None,
    ignore: str | Sequence[str] = (),
    text: str | Sequence[str] = (),
    task: str | None = None,
    name: str = "frame",
    root: Path | str | None = None,
    cache: Path | str | None = None,
) -> DataFolder:
    """A dataset from a frame of pandas or polars, a table of pyarrow, or a mapping of lists, for `mmbench.run`.

    Columns are understood as ``mmbench data describe`` understands a table: numbers and few distinct texts become the
    modality ``table``, columns called ``NAME_file_name`` name files (under ``root``, by default the working directory).
    ``target`` is the column to predict; where its kind is ambiguous, ``task`` (class, values) states it. ``groups``
    maps names to the columns of what stays in one part, such as ``{"subject": "person"}``; ``{}`` states that there is
    none. ``split`` is the column of the official split, ``text`` lists columns of free text, ``ignore`` columns not to
    use.

    ``print`` of the result says what was understood. `from_arrays` takes arrays, and a frame as one of its modalities.
    Raises SpecError or DataError, saying what to write, for a column that does not exist or is ambiguous.
    """
    check_dataset_name(name)
    check_kind(task)
    ignore, text = ((each,) if isinstance(each, str) else tuple(each) for each in (ignore, text))
    columns = _read_frame(frame)
    stated: dict[str, Any] = {"target": target, "split": split or "", "ignore": ignore, "text": text}
    _check_roles(columns, stated, groups)
    stated |= {"task": task or "", "groups": groups}
    content = FolderContent(name, _with_paths(columns, Path(root or ".").resolve()), {})
    lines: list[str] = []
    folder = write_folder(
        Path(cache or default_cache_folder()),
        content,
        json.dumps(stated),
        lambda path: _describe(path, stated, lines),
    )
    _check_folder(folder)
    rows = counted(len(next(iter(columns.values()))), "row")
    return DataFolder(folder, (f"{name}: {rows}", *lines[1:]))  # the first names the table


def _read_frame(frame: Any) -> dict[str, list[Any]]:
    if isinstance(frame, str | PathLike):
        remedy = "give the path to mmbench.run in place of the dataset, or read the file into a frame"
        raise DataError(f"{str(frame)!r:.80} is no frame", where=_WHERE, remedy=remedy)
    columns = read_columns(frame, _WHERE)
    if not columns or not next(iter(columns.values())):
        raise SpecError("the frame has no rows", where=_WHERE, remedy="give one row for each sample")
    return columns


def _check_roles(columns: Mapping[str, Any], stated: Mapping[str, Any], groups: Any) -> None:
    """Raise SpecError for a column that does not exist, or is stated to be two things."""
    if groups is not None and not isinstance(groups, Mapping):
        one = groups[0] if isinstance(groups, list | tuple) and len(groups) == 1 else groups
        remedy = f'write groups={{"subject": "{one}"}}' if isinstance(one, str) else 'write groups={"subject": COLUMN}'
        raise SpecError("groups is no mapping", where=_WHERE, remedy=remedy)
    roles = [("target", stated["target"]), *([("split", stated["split"])] if stated["split"] else [])]
    roles += [(f"groups[{group!r}]", column) for group, column in (groups or {}).items()]
    roles += [(role, column) for role in ("ignore", "text") for column in stated[role]]
    found: dict[str, str] = {}
    for role, column in roles:
        if not isinstance(column, str):
            remedy = f"write {role}=COLUMN" if "[" not in role else 'write groups={"subject": COLUMN}'
            raise SpecError(f"{type(column).__name__} is no name of a column", where=role, remedy=remedy)
        if column not in columns:
            raise SpecError(f"no column {column!r}", where=_WHERE, remedy=did_you_mean(column, [*columns]))
        other = found.setdefault(column, role)
        if other != role and not (other.startswith("groups") and role.startswith("groups")):
            raise SpecError(f"column {column!r} is also {other}", where=role, remedy="name it once")


def _with_paths(columns: Mapping[str, list[Any]], root: Path) -> dict[str, list[Any]]:
    """The columns with absolute paths of files, since the table is written elsewhere."""
    return {
        name: [str(root / cell) if isinstance(cell, str) else cell for cell in cells]
        if name == "file_name" or name.endswith("_file_name")
        else cells
        for name, cells in columns.items()
    }


def _describe(folder: Path, stated: Mapping[str, Any], lines: list[str]) -> str:
    """The text of ``dataset.toml``; adds what was understood to ``lines``. SpecError for what has to be asked."""
    try:
        # An empty cell of a frame is None or NaN: no text stands for one.
        found = load_registry().dataset(Spec("folder")).describe(folder, **stated, missing=())
    except (DataError, SpecError) as error:
        raise type(error)(error.message, where=_place_of(folder, error.where), remedy=error.remedy) from None
    if found.questions:
        question, answer = found.questions[0]
        raise SpecError(question, where=_WHERE, remedy=_as_argument(answer))
    lines += found.lines
    return found.text


def _check_folder(folder: Path) -> None:
    """Raise DataError for the first problem of the whole frame; those of single samples stop a run or are dropped."""
    for problem in load_registry().dataset(Spec("folder")).check(folder):
        if problem.concerns == "dataset":
            raise DataError(problem.message, where=_place_of(folder, problem.path), remedy=problem.remedy)


def _place_of(folder: Path, where: str | None) -> str | None:
    """The place of an error: the frame in place of the table that was written."""
    return _WHERE if where == str(folder / TABLE) else where


def _as_argument(answer: str) -> str:
    """An answer by options of the shell as one by arguments of Python: ``--task class`` is ``add task="class"``."""
    replacements: Sequence[tuple[str, str | Callable[[re.Match[str]], str]]] = (
        (r"--target, or write .*", "columns other than the target"),
        (r"--missing .+? or (?=--ignore )", ""),
        (r", --group '[^']*'", ""),  # patterns are for names of files, which are absolute paths here
        (r"--group none", "groups={}"),
        (r"--group (\w+)=([^\s,]+)", r'groups={"\1": "\2"}'),
        (r"--(ignore|text) ([^\s,]+)", r'\1=["\2"]'),
        (r"--(\w+) ([^\s,]+)", r'\1="\2"'),
    )
    argument = answer
    for pattern, replacement in replacements:
        argument = re.sub(pattern, replacement, argument)
    return f"add {argument}" if answer.startswith("--") else argument
