"""Tables of samples: CSV, JSON lines, Parquet, and one-dimensional arrays of an NPZ file, as columns."""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmbench import DataError, check_content

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet", ".npz")
_NO_VALUE = frozenset({"", "na", "nan", "n/a", "null", "none"})
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


@dataclass(frozen=True)
class Table:
    """The rows of a file by column; a cell is a str, a number, a bool, a list, or None where it is empty."""

    path: Path
    columns: Mapping[str, Sequence[Any]]
    n: int

    def row(self, at: int) -> str:
        """The name of a row in messages, counted as an editor counts the lines of the file."""
        return f"row {at + 1 + (self.path.suffix in ('.csv', '.tsv'))}"


def load_table(path: Path) -> Table:
    """The table of a file; DataError, naming the file and the row, where it cannot be read."""
    check_content(path, "is a ZIP archive")
    readers = {".jsonl": _load_jsonl, ".parquet": _load_parquet, ".npz": _load_npz}
    columns = readers.get(path.suffix.lower(), _load_csv)(path)
    n = len(next(iter(columns.values()), ()))
    if not n:
        raise DataError("has no rows", where=path, remedy="write a header and one row for each sample")
    return Table(path, columns, n)


def as_numbers(values: Sequence[Any]) -> list[float | None] | None:
    """The numbers of a column, None for an empty cell; None if a cell holds anything else, or all are empty."""
    numbers: list[float | None] = []
    for value in values:
        if value is None or (isinstance(value, str) and value.strip().lower() in _NO_VALUE):
            numbers.append(None)
        elif isinstance(value, bool | list | dict):
            return None
        else:
            try:
                number = float(value)
            except ValueError:
                return None
            numbers.append(None if number != number else number)
    return numbers if any(number is not None for number in numbers) else None


def as_texts(values: Sequence[Any]) -> list[str | None]:
    """The cells of a column as texts, such as ids and names of classes; None where empty."""
    return [None if value is None or value != value else _text(value) for value in values]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def find_decimal_comma(values: Sequence[Any]) -> str | None:
    """The first cell of a column of numbers with decimal commas; None for any other column."""
    texts = [value for value in values if isinstance(value, str) and value.strip()]
    commas = [text for text in texts if _DECIMAL_COMMA.fullmatch(text.strip())]
    rest = [text for text in texts if text not in set(commas)]
    return commas[0] if commas and as_numbers(rest or [0]) is not None else None


def _load_csv(path: Path) -> dict[str, list[Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            first = file.readline()
            delimiter = "\t" if path.suffix == ".tsv" else max(",;\t", key=first.count)
            file.seek(0)
            lines = csv.reader(file, delimiter=delimiter, strict=True)
            header = [name.strip() for name in next(lines)]
            _check_header(path, header)
            rows: list[list[str]] = []
            for cells in lines:
                if len(cells) != len(header):
                    if not any(cells):
                        continue
                    message = f"line {lines.line_num} has {len(cells)} cells, the header has {len(header)}"
                    raise DataError(message, where=path, remedy="put cells with the delimiter in double quotes")
                rows.append(cells)
        except UnicodeDecodeError as error:
            message = f"is not UTF-8: byte {error.object[error.start]:#04x} at {error.start}"
            raise DataError(message, where=path, remedy="save it as UTF-8") from None
        except csv.Error as error:
            raise DataError(f"line {lines.line_num}: {error}", where=path, remedy="correct the line") from None
    columns = zip(*rows, strict=True) if rows else ([] for _ in header)
    return {
        name: [cell if cell.strip() else None for cell in cells] for name, cells in zip(header, columns, strict=True)
    }


def _check_header(path: Path, header: Sequence[str]) -> None:
    for name in header:
        if not name or header.count(name) > 1:
            what = "a column without a name" if not name else f"two columns {name!r}"
            raise DataError(f"its header has {what}", where=path, remedy="give every column a name of its own")


def _load_jsonl(path: Path) -> dict[str, list[Any]]:
    rows: list[dict[str, Any]] = []
    at = 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            for line in file:
                at += 1
                if line.strip():
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise ValueError("it is no object")
                    rows.append(row)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"line {at} cannot be read: {error}", where=path, remedy="write one JSON object a line"
        ) from None
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [None if row.get(name) == "" else row.get(name) for row in rows] for name in names}


def _load_parquet(path: Path) -> dict[str, list[Any]]:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import read_table
    except ImportError:
        raise DataError(
            "Parquet needs the package pyarrow", where=path, remedy='pip install "mmbench[parquet]"'
        ) from None
    try:
        found = read_table(path)
        return {name: found.column(name).to_pylist() for name in found.column_names}
    except (ArrowException, OSError) as error:
        message = f"cannot be read as Parquet ({str(error).partition(chr(10))[0]})"
        raise DataError(message, where=path, remedy="write it again") from None


def _load_npz(path: Path) -> dict[str, list[Any]]:
    from mmbench.builtin.datasets.folder.arrays import load_arrays

    flat = {name: each for name, each in load_arrays(path).items() if each.ndim == 1}
    if len({len(each) for each in flat.values()}) > 1:
        listed = ", ".join(f"{name} {len(each)}" for name, each in flat.items())
        raise DataError(f"its arrays differ in length: {listed}", where=path, remedy="give each one value a sample")
    return {name: each.tolist() for name, each in flat.items()}
