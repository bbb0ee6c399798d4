"""Tables of samples: CSV, JSON lines, Parquet, and one-dimensional arrays of an NPZ file, as columns."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmbench import DataError, check_content, read_csv
from mmbench.builtin.datasets.folder.arrays import load_arrays

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet", ".npz")

_MAIN_STEMS = ("metadata", "labels")


def find_main(folder: Path, names: Sequence[str], remedy: str = "keep one") -> str:
    """The table of samples among the tables called ``names``: ``metadata`` or ``labels``, or else the only one.

    Empty where there is none, or which one is not plain; DataError where two are called so.
    """
    for stem in _MAIN_STEMS:
        found = [name for name in names if Path(name).stem.lower() == stem]
        if len(found) > 1:
            message = f"holds {' and '.join(found)}, which may both be the table of samples"
            raise DataError(message, where=folder, remedy=remedy)
        if found:
            return found[0]
    return names[0] if len(names) == 1 else ""


def is_named_main(name: str) -> bool:
    """Whether a table is called as that of samples."""
    return Path(name).stem.lower() in _MAIN_STEMS


@dataclass(frozen=True)
class Table:
    """The rows of a file by column; a cell is a str, a number, a bool, a list, or None where it is empty.

    ``names`` are those of the rows in messages, where they are not lines of a file. ``files`` are those that it was
    read from where ``path`` is a folder, ``notes`` say what is to be known about them.
    """

    path: Path
    columns: Mapping[str, Sequence[Any]]
    n: int
    names: Sequence[str] = ()
    files: Sequence[Path] = ()
    notes: Sequence[str] = ()

    def row(self, at: int) -> str:
        """The name of a row in messages, counted as an editor counts the lines of the file."""
        return self.names[at] if self.names else f"row {at + 1 + (self.path.suffix in ('.csv', '.tsv'))}"

    def without_texts(self, missing: Sequence[str]) -> "Table":
        """The same table, where cells with one of the texts ``missing`` are empty."""
        if not missing:
            return self
        empty = frozenset(missing)
        columns = {
            name: [None if isinstance(cell, str) and cell.strip() in empty else cell for cell in cells]
            for name, cells in self.columns.items()
        }
        return replace(self, columns=columns)


def named_files(cells: Sequence[object]) -> list[str]:
    """The names of files in the cells of a column, which are texts or lists of texts."""
    lists = (cell if isinstance(cell, list) else [cell] for cell in cells)
    return [str(name) for each in lists for name in each if name]


def load_table(path: Path) -> Table:
    """The table of a file; DataError, naming the file and the row, where it cannot be read."""
    check_content(path, "is a ZIP archive")
    readers = {".jsonl": _load_jsonl, ".parquet": _load_parquet, ".npz": _load_npz}
    columns = readers.get(path.suffix.lower(), _load_csv)(path)
    n = len(next(iter(columns.values()), ()))
    if not n:
        raise DataError("has no rows", where=path, remedy="write a header and one row for each sample")
    return Table(path, columns, n)


def _read_text(path: Path) -> str:
    """The text of a file; DataError, naming the line, where it is not UTF-8."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"is not UTF-8: byte {content[error.start]:#04x} in line {line}"
        raise DataError(message, where=path, remedy="save it as UTF-8") from None


def _load_csv(path: Path) -> dict[str, list[Any]]:
    header, rows, _ = read_csv(path)
    columns = zip(*rows, strict=True) if rows else ([] for _ in header)
    return {
        name: [cell if cell and not cell.isspace() else None for cell in cells]
        for name, cells in zip(header, columns, strict=True)
    }


def _check_header(path: Path, header: Sequence[str]) -> None:
    for name in header:
        if not name or header.count(name) > 1:
            what = "a column without a name" if not name else f"two columns {name!r}"
            raise DataError(f"its header has {what}", where=path, remedy="give every column a name of its own")


def _load_jsonl(path: Path) -> dict[str, list[Any]]:
    rows: list[dict[str, Any]] = []
    # Not splitlines: it also splits at characters that JSON allows within a string.
    for at, line in enumerate(_read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _bad_line(path, at, str(error)) from None
        if not isinstance(row, dict):
            raise _bad_line(path, at, "it is no object")
        rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [None if row.get(name) == "" else row.get(name) for row in rows] for name in names}


def _bad_line(path: Path, at: int, reason: str) -> DataError:
    return DataError(f"line {at} cannot be read: {reason}", where=path, remedy="write one JSON object a line")


def _load_parquet(path: Path) -> dict[str, list[Any]]:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import read_table
    except ImportError:
        raise DataError(
            "Parquet needs the package pyarrow", where=path, remedy='pip install "mmbench[parquet]"'
        ) from None
    try:
        with path.open("rb") as file:
            found = read_table(file)
        _check_header(path, found.column_names)
        names = found.column_names
        return {name: [None if cell == "" else cell for cell in found.column(name).to_pylist()] for name in names}
    except (ArrowException, OSError, ValueError) as error:
        message = f"cannot be read as Parquet ({str(error).partition(chr(10))[0]})"
        raise DataError(message, where=path, remedy="write it again") from None


def _load_npz(path: Path) -> dict[str, list[Any]]:
    flat = {name: each for name, each in load_arrays(path).items() if each.ndim == 1}
    if len({len(each) for each in flat.values()}) > 1:
        listed = ", ".join(f"{name} {len(each)}" for name, each in flat.items())
        raise DataError(f"its arrays differ in length: {listed}", where=path, remedy="give each one value a sample")
    return {name: each.tolist() for name, each in flat.items()}
