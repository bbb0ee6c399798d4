"""Audit of a split from a CSV file: what test samples share with the training part, from ids and groups alone."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from mmbench.errors import DataError, SpecError
from mmbench.registry import did_you_mean
from mmbench.results import Displayed
from mmbench.storage import counted

MAX_GROUPS = 5
"""Every combination of the groups is counted: 31 of five."""
_PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
    "": "",
}
_ID, _PART_COLUMNS = "id", ("part", "split")


@dataclass(frozen=True)
class GroupOverlap:
    """How many of the test samples, and of the groups they have, are in the training or validation part, too.

    ``groups`` are one kind of group or several in combination: both ``actor`` and ``sentence`` of a sample are then the
    same as those of one other sample.
    """

    groups: tuple[str, ...]
    tested: int
    shared: int
    groups_tested: int
    groups_shared: int

    @property
    def share(self) -> float:
        """Share of the test samples."""
        return self.shared / self.tested


@dataclass(frozen=True, repr=False)
class SplitAudit(Displayed):
    """Audit of a split: ``parts`` counts the rows of train, validation and test, ``unassigned`` those of no part.

    ``repeated`` ids occur several times in one part, ``straddling`` ids in several; ``overlaps`` has every combination
    of groups.
    """

    path: str
    parts: Mapping[str, int]
    unassigned: int
    repeated: tuple[str, ...]
    straddling: tuple[str, ...]
    overlaps: tuple[GroupOverlap, ...]

    @property
    def summary(self) -> str:
        """The file, and what its parts share, in one line."""
        shared = counted(sum(overlap.share > 0 for overlap in self.overlaps), "combination")
        return f"{self.path}: {counted(len(self.straddling), 'id')} and {shared} of groups in several parts"

    def to_json(self) -> dict[str, Any]:
        """All values."""
        overlaps = [{**asdict(overlap), "share": overlap.share} for overlap in self.overlaps]
        return {**asdict(self), "overlaps": overlaps}


@dataclass(frozen=True)
class _Row:
    id: str
    part: str
    groups: tuple[str, ...]


def audit_split(path: Path | str, groups: Sequence[str] = (), pattern: str | None = None) -> SplitAudit:
    """Audit the split in a CSV file with the columns ``id`` and ``part`` (or ``split``).

    ``groups`` are columns of the file or fields of ``pattern``, such as ``{actor}_{sentence}``, which every id must
    match; by default all fields. Raises DataError for a file that cannot be read as such a split, SpecError for groups
    that it does not have.
    """
    path = Path(path)  # in Python, a path may be a str
    rows = list(_read(path, list(dict.fromkeys(groups)), pattern))
    names = tuple(dict.fromkeys(groups)) or tuple(_fields(pattern))
    counts = Counter(row.part for row in rows)
    if not counts["test"] or not counts["train"]:
        raise DataError(
            f"has no sample in the {'training' if counts['test'] else 'test'} part",
            where=path,
            remedy="an audit needs both",
        )
    assigned = Counter((row.id, row.part) for row in rows if row.part)
    places = Counter(name for name, _ in assigned)
    return SplitAudit(
        str(path),
        {part: counts[part] for part in ("train", "validation", "test")},
        counts[""],
        tuple(sorted({name for (name, _), times in assigned.items() if times > 1})),
        tuple(sorted(name for name, times in places.items() if times > 1)),
        tuple(_overlaps(rows, names)),
    )


def _overlaps(rows: Sequence[_Row], names: Sequence[str]) -> Iterator[GroupOverlap]:
    for size in range(1, len(names) + 1):
        for chosen in combinations(range(len(names)), size):
            known = {_pick(row, chosen) for row in rows if row.part in ("train", "validation")}
            tested = [_pick(row, chosen) for row in rows if row.part == "test"]
            yield GroupOverlap(
                tuple(names[at] for at in chosen),
                len(tested),
                sum(group in known for group in tested),
                len(set(tested)),
                len(set(tested) & known),
            )


def _pick(row: _Row, chosen: Sequence[int]) -> tuple[str, ...]:
    return tuple(row.groups[at] for at in chosen)


def _read(path: Path, groups: Sequence[str], pattern: str | None) -> Iterator[_Row]:
    expression, fields = _compile(pattern), _fields(pattern)
    names = groups or fields
    if len(names) > MAX_GROUPS:
        raise SpecError(f"{len(names)} groups are too many", where="--groups", remedy=f"name {MAX_GROUPS} or fewer")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            part_column = _check_columns(path, reader.fieldnames or (), names, fields)
            for row in reader:
                yield _make_row(row, part_column, names, expression, f"{path}, line {reader.line_num}")
    except OSError as error:
        raise DataError(
            f"cannot be read ({error.strerror})", where=path, remedy="give a CSV file with the columns id and part"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"is not a CSV file in UTF-8 ({error})", where=path, remedy="save it as one") from error


def _make_row(
    row: Mapping[str | None, str | None],
    part_column: str,
    names: Sequence[str],
    expression: re.Pattern[str],
    where: str,
) -> _Row:
    if None in row or None in row.values():
        raise DataError("has another number of columns than the first line", where=where, remedy="correct the file")
    values = {str(name): (value or "").strip() for name, value in row.items()}
    part = _PARTS.get(values[part_column].casefold())
    if part is None:
        raise DataError(
            f"{values[part_column]!r} is not a part",
            where=where,
            remedy="use train, validation or test, or nothing for a sample in no part",
        )
    if expression.groups:
        match = expression.fullmatch(values[_ID])
        if match is None:
            raise DataError(f"the id {values[_ID]!r} does not match", where=where, remedy="give another --pattern")
        values = {**values, **match.groupdict()}
    if missing := [name for name in (_ID, *names) if not values[name]]:
        raise DataError(f"has no {missing[0]}", where=where, remedy="correct the file")
    return _Row(values[_ID], part, tuple(values[name] for name in names))


def _check_columns(path: Path, columns: Sequence[str], groups: Sequence[str], fields: Sequence[str]) -> str:
    """The name of the column of parts; DataError or SpecError if a column is missing."""
    part_column = next((name for name in _PART_COLUMNS if name in columns), None)
    if _ID not in columns or part_column is None or len(set(columns)) < len(columns):
        raise DataError(
            f"has the columns {', '.join(columns) or 'of no first line'}",
            where=path,
            remedy="it needs id and part (or split), each once, in the first line",
        )
    known = {*columns, *fields} - {_ID, part_column}
    for name in groups:
        if name not in known:
            raise SpecError(f"{path} has no column {name!r}", where="--groups", remedy=did_you_mean(name, known))
    return part_column


def _fields(pattern: str | None) -> list[str]:
    return re.findall(r"\{(\w+)\}", pattern or "")


def _compile(pattern: str | None) -> re.Pattern[str]:
    """The regular expression of a pattern: a field ends where the text after it begins."""
    if pattern is None:
        return re.compile("")
    fields, texts = _fields(pattern), re.split(r"\{\w+\}", pattern)
    adjacent = "" in texts[1:-1]
    if not fields or adjacent or len(set(fields)) < len(fields) or not all(map(str.isidentifier, fields)):
        raise SpecError(
            f"invalid value {pattern!r}",
            where="--pattern",
            remedy="name each field once, with text between two, such as {actor}_{sentence}_{emotion}",
        )
    pieces = [re.escape(texts[0])]
    for field, text in zip(fields, texts[1:], strict=True):
        value = f"[^{re.escape(text[0])}]+" if text else ".+"
        pieces.append(f"(?P<{field}>{value}){re.escape(text)}")
    return re.compile("".join(pieces))
