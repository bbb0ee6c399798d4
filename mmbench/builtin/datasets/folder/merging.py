"""Matches the rows of other files to those of the table by their ids, and merges tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmbench import DataError
from mmbench.builtin.datasets.folder.columns import as_numbers, as_texts
from mmbench.builtin.datasets.folder.roles import GROUPS, IDS, SPLITS, TARGETS, find_single
from mmbench.builtin.datasets.folder.tables import Table

_ROLES = frozenset((*TARGETS, *GROUPS, *SPLITS))
_SHOWN = 3
_ALIKE = "write the ids of both in the same way"


@dataclass(frozen=True)
class Match:
    """The rows of ``file`` that belong to the samples: ``rows`` has one for each of ``ids``, None where there is none.

    ``extra`` are ids of the file that no sample has, ``lacking`` those of samples that the file does not have.
    """

    file: str
    ids: Sequence[str]
    rows: Sequence[int | None]
    extra: Sequence[str]
    lacking: Sequence[str]

    @property
    def line(self) -> str:
        """How many samples have a row."""
        n = len(self.rows)
        without = f" (without: {join_first(self.lacking)})" if self.lacking else ""
        return f"{self.file}: matched by id, {n - len(self.lacking)} of {n} rows{without}"

    @property
    def left_out(self) -> dict[str, str]:
        """The rows that belong to no sample, with the reason."""
        n = len(self.extra)
        return (
            {f"{n} row{'s' * (n > 1)} of {self.file} ({join_first(self.extra)})": "no sample has the id"} if n else {}
        )


@dataclass(frozen=True)
class MergedTable:
    """A table with the columns of others; ``origin`` names the file of each of these.

    ``lines`` say what became of columns that two files have.
    """

    table: Table
    origin: Mapping[str, str] = field(default_factory=dict)
    matches: Sequence[Match] = ()
    lines: Sequence[str] = ()


def join_first(names: Sequence[str]) -> str:
    """The first three names, and dots where there are more."""
    return ", ".join(names[:_SHOWN]) + ", ..." * (len(names) > _SHOWN)


def match_ids(path: Path, found: Sequence[Any], ids: Sequence[str], table: Path) -> Match:
    """The row in ``path``, whose ids are ``found``, for each of the ``ids`` of the table.

    DataError where an id is empty or there twice, or where no id is in both files.
    """
    texts = as_texts(found)
    if None in texts:
        raise DataError(f"entry {texts.index(None) + 1} has no id", where=path, remedy="give each row an id")
    row_of = {text: at for at, text in enumerate(texts)}
    if len(row_of) < len(texts):
        twice = next(text for at, text in enumerate(texts) if row_of[text] != at)
        raise DataError(f"the id {twice!r} is there more than once", where=path, remedy="give each id one row")
    rows = [row_of.get(each) for each in ids]
    if all(row is None for row in rows):
        message = f"none of its ids, such as {texts[0]!r}, is in {table.name}, which has ids such as {ids[0]!r}"
        raise DataError(message, where=path, remedy=f"{_ALIKE}, or move the file away")
    known = set(ids)
    lacking = [each for each, row in zip(ids, rows, strict=True) if row is None]
    return Match(path.name, ids, rows, [text for text in row_of if text is not None and text not in known], lacking)


def merge_tables(table: Table, identity: str, others: Sequence[Table]) -> MergedTable:
    """The table with the columns of the others, whose rows are matched by id.

    A column that two files have with the same cells is used once. Where its cells differ, the second is called
    ``FILE.COLUMN``; DataError if it is a target, a group or a part, or if most of the cells are the same.
    """
    columns = dict(table.columns)
    origin: dict[str, str] = {}
    matches: list[Match] = []
    lines: list[str] = []
    for other in others:
        found, match = _match_table(table, identity, other)
        path = other.path
        matches.append(match)
        for name, cells in found.items():
            mine = [None if row is None else cells[row] for row in match.rows]
            known = name
            if name in columns:
                first = origin.get(name, table.path.name)
                known = _rename(name, columns, mine, match, path, first)
                what = f"differs from that of {first}, called {known}" if known else f"as in {first}, used once"
                lines.append(f"column {name} of {path.name}: {what}")
            if known:
                columns[known], origin[known] = mine, path.name
    return MergedTable(replace(table, columns=columns), origin, matches, lines)


def _match_table(table: Table, identity: str, other: Table) -> tuple[dict[str, Sequence[Any]], Match]:
    """The columns of another table without that of its ids, and the rows of the samples."""
    path = other.path
    own = find_single(other.columns, IDS)
    if not own:
        remedy = f"call the column of its ids {IDS[0]}, or take the file out of tables in dataset.toml"
        raise DataError("has no column of ids", where=path, remedy=remedy)
    if identity not in table.columns:
        message = f"has no column of ids, by which {path.name} could be matched"
        raise DataError(message, where=table.path, remedy="add a column called id, and name it in dataset.toml")
    ids = as_texts(table.columns[identity])
    if None in ids:
        message = f"{table.row(ids.index(None))} has no id, by which {path.name} could be matched"
        raise DataError(message, where=table.path, remedy="give each row its id")
    match = match_ids(path, other.columns[own], [text or "" for text in ids], table.path)
    return {name: cells for name, cells in other.columns.items() if name != own}, match


def _rename(
    name: str, columns: Mapping[str, Sequence[Any]], mine: Sequence[Any], match: Match, path: Path, first: str
) -> str:
    """The name of a column that another file has too: empty where the cells are the same; DataError for a conflict."""
    matched = [at for at, row in enumerate(match.rows) if row is not None]
    pair = [[cells[at] for at in matched] for cells in (columns[name], mine)]
    numbers = [as_numbers(cells) for cells in pair]
    one, other = [as_texts(cells) for cells in pair] if None in numbers else numbers
    differing = [at for at, (a, b) in enumerate(zip(one or (), other or (), strict=True)) if a != b]
    if not differing:
        return ""
    if name.lower() in _ROLES or 2 * len(differing) < len(matched):
        at = differing[0]
        message = (
            f"column {name} differs from that of {first} in {len(differing)} of {len(matched)} rows: "
            f"{pair[1][at]!r} and {pair[0][at]!r} of {match.ids[matched[at]]}"
        )
        raise DataError(message, where=path, remedy="correct one of the two, or rename the column")
    return next(each for each in (f"{path.stem}.{name}", f"{path.name}.{name}") if each not in columns)
