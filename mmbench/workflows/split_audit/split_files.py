"""Splits in CSV files: a row for each sample, with its id, part, class, files and groups."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmbench.errors import DataError, SpecError
from mmbench.registry import did_you_mean
from mmbench.storage import read_csv

MAX_GROUPS = 5
"""Every combination of the groups is counted: 31 of five."""
_PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
    "": "",
}
_ID, _PART_COLUMNS, _LABEL_COLUMNS, _FILE_COLUMN = "id", ("part", "split"), ("label", "class"), "file_name"
_NAMED_GROUP = "(?P<"


@dataclass(frozen=True)
class SplitRow:
    """A row of a split: ``part`` is train, validation, test or ""; ``label`` is None where the file has no such column.

    ``groups`` are the values of the groups by name, ``files`` those of the columns ``file_name`` and
    ``*_file_name`` that are not empty.
    """

    id: str
    part: str
    label: str | None
    files: tuple[str, ...]
    groups: Mapping[str, str]


@dataclass(frozen=True)
class _Columns:
    part: str
    label: str | None
    files: tuple[str, ...]


def read_split(path: Path, groups: Sequence[str] = (), from_name: str | None = None) -> list[SplitRow]:
    """The rows of a CSV file with the columns ``id`` and ``part`` (or ``split``), and perhaps ``label`` (or ``class``).

    ``groups`` are columns of the file or groups of ``from_name``: a regular expression with named groups, or fields
    such as ``{actor}_{sentence}``, which every id must match as a whole. By default all that ``from_name`` names.
    Raises DataError for a file that cannot be read as such a split, SpecError for groups that it does not have.
    """
    expression = compile_name(from_name)
    names = tuple(dict.fromkeys(groups)) or tuple(expression.groupindex)
    if len(names) > MAX_GROUPS:
        raise SpecError(f"{len(names)} groups are too many", where="--groups", remedy=f"name {MAX_GROUPS} or fewer")
    try:
        header, rows, lines = read_csv(path)
    except OSError as error:
        raise DataError(
            f"cannot be read ({error.strerror})", where=path, remedy="give a CSV file with the columns id and part"
        ) from error
    columns = _find_columns(path, header, names, expression)
    return [
        _make_row(dict(zip(header, cells, strict=True)), columns, names, expression, f"{path}, line {line}")
        for cells, line in zip(rows, lines, strict=True)
    ]


def compile_name(from_name: str | None) -> re.Pattern[str]:
    """The regular expression of ``--from-name``; SpecError where it is invalid or names nothing, or an invalid name."""
    if from_name is None:
        return re.compile("")
    if _NAMED_GROUP not in from_name:
        return _compile_fields(from_name)
    try:
        return re.compile(from_name)
    except re.error as error:
        raise SpecError(
            f"{from_name!r} is not a regular expression ({error})",
            where="--from-name",
            remedy=r"name each group once, such as (?P<actor>\d+)_.*",
        ) from error


def _compile_fields(pattern: str) -> re.Pattern[str]:
    """The regular expression of fields such as ``{actor}_{sentence}``: each ends where the text after it begins."""
    fields, texts = re.findall(r"\{(\w+)\}", pattern), re.split(r"\{\w+\}", pattern)
    adjacent = "" in texts[1:-1]
    if not fields or adjacent or len(set(fields)) < len(fields) or not all(map(str.isidentifier, fields)):
        raise SpecError(
            f"invalid value {pattern!r}",
            where="--from-name",
            remedy=r"name each group once, such as {actor}_{sentence}_{emotion} or (?P<actor>\d+)_.*",
        )
    pieces = [re.escape(texts[0])]
    for field, text in zip(fields, texts[1:], strict=True):
        value = f"[^{re.escape(text[0])}]+" if text else ".+"
        pieces.append(f"(?P<{field}>{value}){re.escape(text)}")
    return re.compile("".join(pieces))


def _find_columns(path: Path, columns: Sequence[str], groups: Sequence[str], expression: re.Pattern[str]) -> _Columns:
    """The columns of part, label and files; DataError or SpecError if one that is needed is missing or ambiguous."""
    part = next((name for name in _PART_COLUMNS if name in columns), None)
    if _ID not in columns or part is None:
        raise DataError(
            f"has the columns {', '.join(columns) or 'of no first line'}",
            where=path,
            remedy="it needs id and part (or split) in the first line",
        )
    known = {*columns, *expression.groupindex} - {_ID, part}
    for name in groups:
        if name not in known:
            raise SpecError(f"{path} has no column {name!r}", where="--groups", remedy=did_you_mean(name, known))
        if name in columns and name in expression.groupindex:
            raise SpecError(
                f"{name!r} is a column of {path} and a group of --from-name",
                where="--groups",
                remedy="rename the one in --from-name",
            )
    return _Columns(
        part,
        next((name for name in _LABEL_COLUMNS if name in columns), None),
        tuple(name for name in columns if name == _FILE_COLUMN or name.endswith(f"_{_FILE_COLUMN}")),
    )


def _make_row(
    row: Mapping[str, str],
    columns: _Columns,
    names: Sequence[str],
    expression: re.Pattern[str],
    where: str,
) -> SplitRow:
    values = {name: value.strip() for name, value in row.items()}
    part = _PARTS.get(values[columns.part].casefold())
    if part is None:
        raise DataError(
            f"{values[columns.part]!r} is not a part",
            where=where,
            remedy="use train, validation or test, or nothing for a sample in no part",
        )
    values |= _match(expression, values[_ID], where)
    if missing := [name for name in (_ID, *names) if not values[name]]:
        raise DataError(f"has no {missing[0]}", where=where, remedy="correct the file")
    return SplitRow(
        values[_ID],
        part,
        values[columns.label] if columns.label else None,
        tuple(values[name] for name in columns.files if values[name]),
        {name: values[name] for name in names},
    )


def _match(expression: re.Pattern[str], name: str, where: str) -> dict[str, str]:
    if not expression.groupindex or not name:
        return {}
    match = expression.fullmatch(name)
    if match is None:
        raise DataError(
            f"the id {name!r} does not match",
            where=where,
            remedy="give another --from-name; it must match the whole id",
        )
    return {group: value or "" for group, value in match.groupdict().items()}
