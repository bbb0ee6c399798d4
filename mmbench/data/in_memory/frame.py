"""A dataset from the columns of a frame."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmbench.data.dataset_files import default_cache_folder
from mmbench.data.in_memory.columns import read_columns
from mmbench.data.in_memory.folder import DataFolder, FolderContent, check_dataset_name, write_folder
from mmbench.errors import SpecError
from mmbench.registry import Spec, did_you_mean, load_registry
from mmbench.storage import counted

_WHERE = "from_frame"


def from_frame(
    frame: Any,
    *,
    target: str,
    groups: Mapping[str, str] | None = None,
    split: str = "",
    ignore: Sequence[str] = (),
    text: Sequence[str] = (),
    task: str = "",
    name: str = "frame",
    root: Path | str | None = None,
    cache: Path | str | None = None,
) -> DataFolder:
    """A dataset from a frame of pandas or polars, a table of pyarrow, or a mapping of lists, for `mmbench.run`.

    Columns are understood as ``mmbench data describe`` understands a table: numbers and few distinct texts become the
    modality ``table``, columns called ``NAME_file_name`` name files (under ``root``, by default the working directory).
    ``target`` is the column to predict; where its kind is not plain, ``task`` (class, values) states it. ``groups``
    maps names to the columns of what stays in one part, such as ``{"subject": "person"}``; ``{}`` states that there is
    none. ``split`` is the column of the official split, ``text`` lists columns of free text, ``ignore`` columns not to
    use.

    ``print`` of the result says what was understood. Arrays belong into `from_arrays`, which also takes a frame as one
    of its modalities. Raises SpecError, DataError for a column that does not exist or is not plain.
    """
    check_dataset_name(name)
    ignore, text = ((each,) if isinstance(each, str) else tuple(each) for each in (ignore, text))
    if groups is not None and not isinstance(groups, Mapping):
        remedy = f'write groups={{"subject": "{groups}"}}' if isinstance(groups, str) else 'write {"subject": COLUMN}'
        raise SpecError("groups is no mapping", where=_WHERE, remedy=remedy)
    columns = read_columns(frame, _WHERE)
    if not columns or not next(iter(columns.values())):
        raise SpecError("the frame has no rows", where=_WHERE, remedy="give one row for each sample")
    for column in (target, split, *ignore, *text, *(groups or {}).values()):
        if column and column not in columns:
            raise SpecError(f"no column {column!r}", where=_WHERE, remedy=did_you_mean(str(column), [*columns]))
    stated = {"target": target, "groups": groups, "split": split, "ignore": ignore, "text": text, "task": task}
    lines: list[str] = []
    content = FolderContent(name, _with_paths(columns, Path(root or ".").resolve()), {})
    folder = write_folder(
        Path(cache or default_cache_folder()), content, json.dumps(stated), lambda path: _describe(path, stated, lines)
    )
    rows = counted(len(next(iter(columns.values()))), "row")
    return DataFolder(folder, (f"{name}: {rows}", *lines[1:]))  # the first names the table


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
    found = load_registry().dataset(Spec("folder")).describe(folder, **stated)
    if found.questions:
        question, option = found.questions[0]
        raise SpecError(question, where=_WHERE, remedy=f"add {_as_argument(option)}")
    lines += found.lines
    return found.text


def _as_argument(option: str) -> str:
    """An option of the shell as an argument of Python: ``--task class`` is ``task="class"``."""
    replacements: Sequence[tuple[str, str | Callable[[re.Match[str]], str]]] = (
        (r"--group none", "groups={}"),
        (r"--group (\w+)=([^\s,]+)", r'groups={"\1": "\2"}'),
        (r"--(ignore|text) ([^\s,]+)", r'\1=["\2"]'),
        (r"--(\w+) ([^\s,]+)", r'\1="\2"'),
    )
    for pattern, replacement in replacements:
        option = re.sub(pattern, replacement, option)
    return option
