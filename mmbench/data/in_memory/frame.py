"""Frames of pandas or polars, or columns by name, as a dataset."""

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from mmbench.data.dataset_files import default_cache_folder
from mmbench.data.in_memory.folder import DataFolder
from mmbench.errors import DataError, SpecError
from mmbench.registry import Spec, did_you_mean, load_registry
from mmbench.storage import slug, written_whole


def from_frame(
    frame: Any,
    *,
    target: str,
    groups: Mapping[str, str],
    split: str = "",
    ignore: Sequence[str] = (),
    task: str = "",
    name: str = "frame",
    cache: Path | None = None,
) -> DataFolder:
    """A dataset from the columns of a frame of pandas or polars, or of a mapping of lists, for `mmbench.run`.

    ``target`` is the column to predict; where its kind is not plain, ``task`` (class, values) says it. ``groups`` maps
    names to the columns of what stays in one part, such as ``{"subject": "person"}``; ``{}`` states that there is
    none. ``split`` is the column of the official split. Columns are understood as ``mmbench data describe`` does;
    ``print`` of the result says how. Raises SpecError, DataError for a column that does not exist or is not plain.
    """
    columns = _read_columns(frame)
    for column in (target, split, *groups.values(), *ignore):
        if column and column not in columns:
            raise SpecError(f"no column {column!r}", where="from_frame", remedy=did_you_mean(column, columns))
    said = {"target": target, "groups": dict(groups), "split": split, "ignore": list(ignore), "task": task}
    lines = list(_rows(columns))
    found = sha256(json.dumps(said, sort_keys=True).encode() + "\n".join(lines).encode())
    folder = (cache or default_cache_folder()) / "memory" / found.hexdigest()[:20] / slug(name)
    if not (folder / "metadata.jsonl").is_file():
        with written_whole(folder / "metadata.jsonl") as path:
            path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    dataset = load_registry().dataset(Spec("folder"))
    # In a frame, what is missing is no text.
    described = dataset.describe(
        folder, target=target, task=task, groups=dict(groups), split=split, ignore=tuple(ignore), missing=()
    )
    if described.questions:
        question, answer = described.questions[0]
        raise SpecError(question, where="from_frame", remedy=_as_argument(answer))
    with written_whole(described.path) as path:
        path.write_text(described.text, "utf-8")
    return DataFolder(folder, tuple(described.lines))


def _as_argument(answer: str) -> str:
    """The argument of `from_frame` that is meant by options of ``mmbench data describe``."""
    option, _, value = answer.removeprefix("--").partition(" ")
    if not answer.startswith("--"):
        return answer.replace("--ignore ", "the argument ignore=")
    if option == "missing":
        return "correct the cell or give None, or leave the column out with the argument ignore"
    return f"give the argument {option}={value}"


def _read_columns(frame: Any) -> dict[str, list[Any]]:
    """The cells of each column; None where empty. DataError for what has no columns."""
    if isinstance(frame, Mapping):
        named = {str(name): list(values) for name, values in frame.items()}
    elif hasattr(frame, "columns") and hasattr(frame, "__getitem__"):
        named = {str(name): frame[name].to_list() for name in frame.columns}
    else:
        raise DataError(
            f"a {type(frame).__name__} has no columns",
            where="from_frame",
            remedy="give a frame of pandas or polars, or a mapping of lists",
        )
    if len({len(values) for values in named.values()}) != 1:
        raise DataError("columns differ in length", where="from_frame", remedy="give one cell for each sample")
    return {name: [_plain(cell) for cell in values] for name, values in named.items()}


def _plain(cell: Any) -> Any:
    """A cell as JSON holds it; None for NaN, NaT and NA."""
    if cell is None or type(cell).__name__ in ("NAType", "NaTType") or cell != cell:
        return None
    cell = cell.item() if hasattr(cell, "item") else cell
    return cell if isinstance(cell, (str, bool, int, float, list)) else str(cell)


def _rows(columns: Mapping[str, list[Any]]) -> Iterator[str]:
    for cells in zip(*columns.values(), strict=True):
        yield json.dumps(dict(zip(columns, cells, strict=True)), ensure_ascii=False)
