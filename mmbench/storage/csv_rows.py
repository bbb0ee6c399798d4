"""Rows of CSV files: the only reader of tables that users write, with commas, semicolons or tabs."""

import csv
import io
import re
from pathlib import Path
from typing import NamedTuple

from mmbench.errors import DataError

DELIMITERS = ",;\t"
INDEX = "Unnamed: 0"
"""The name of a first column without one: the index of a frame that pandas wrote, as pandas reads it."""
_QUOTED = re.compile('"[^"]*"')
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


class CsvRows(NamedTuple):
    """A CSV file: the names of its columns, the cells of its rows, and the line in which each row ends, from 1."""

    header: list[str]
    rows: list[list[str]]
    lines: list[int]


def read_csv(path: Path, content: bytes | None = None) -> CsvRows:
    """The rows of a CSV file in UTF-8; ``content`` are its bytes, where they have been read.

    The delimiter is that of comma, semicolon and tab which cuts the first line into most cells, in a file ``.tsv`` a
    tab. Blanks after it, blanks around names of columns and rows without any text are left out. DataError, naming the
    line, for text that is not UTF-8, a column without a name or with that of another one, quotes that do not end, and
    rows that have another number of cells than the first line.
    """
    text = _decode(path, path.read_bytes() if content is None else content)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _find_delimiter(text)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    found = CsvRows([], [], [])
    try:
        found.header.extend(name.strip() for name in next(lines, []))
        if len(found.header) > 1 and not found.header[0]:
            found.header[0] = INDEX
        _check_header(path, found.header)
        for cells in lines:
            if len(cells) != len(found.header):
                if not any(cells):
                    continue
                message = f"has {len(cells)} cell{'s' * (len(cells) != 1)}, the header has {len(found.header)}"
                raise DataError(
                    message,
                    where=f"{path}, line {lines.line_num}",
                    remedy="put cells with the delimiter in double quotes",
                )
            found.rows.append(cells)
            found.lines.append(lines.line_num)
    except csv.Error as error:
        where = f"{path}, line {lines.line_num}"
        raise DataError(f"is not valid CSV: {error}", where=where, remedy="correct the line") from None
    return found


def has_decimal_comma(text: str) -> bool:
    """Whether a text is a number with a comma in place of a point."""
    return _DECIMAL_COMMA.fullmatch(text.strip()) is not None


def _decode(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"is not UTF-8: byte {content[error.start]:#04x} in line {line}"
        raise DataError(message, where=path, remedy="save it as UTF-8") from None


def _find_delimiter(text: str) -> str:
    first = _QUOTED.sub("", text.partition("\n")[0])
    return max(DELIMITERS, key=first.count)


def _check_header(path: Path, header: list[str]) -> None:
    for name in header:
        if not name or header.count(name) > 1:
            what = "a column without a name" if not name else f"two columns {name!r}"
            raise DataError(f"its header has {what}", where=path, remedy="give every column a name of its own")
