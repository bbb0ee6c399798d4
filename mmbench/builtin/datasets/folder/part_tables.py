"""Tables of the parts of an official split, such as ``train/metadata.csv`` or ``train.npz``, as one table."""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

from mmbench import DataError
from mmbench.builtin.datasets.folder.columns import as_texts
from mmbench.builtin.datasets.folder.roles import SPLITS, find_single, is_file_column
from mmbench.builtin.datasets.folder.tables import SUFFIXES, Table, find_main, load_table
from mmbench.builtin.datasets.folder.tree import PARTS, check_distinct_parts, find_class_folders, list_entries

PART_TABLES = "parts"
"""What stands for the name of a table where each part has its own."""
_SUFFIXES = tuple(each for each in SUFFIXES if each != ".npz")


def find_part_tables(root: Path) -> dict[str, str]:
    """The tables of parts by part, as paths relative to ``root``: ``train/metadata.csv``, or else ``train.csv``.

    An NPZ file is the table of a part only where there is no other table and no folder of a class. Empty where there
    are no tables of parts. DataError where a part has two tables, or a folder of a part has files and no table.
    """
    if tables := _find_tables(root, _SUFFIXES):
        return tables
    if _list_tables(root, _SUFFIXES) or find_class_folders(root):
        return {}
    return _find_tables(root, (".npz",))


def _find_tables(root: Path, suffixes: Sequence[str]) -> dict[str, str]:
    folders = [entry.name for entry in list_entries(root) if entry.is_folder and entry.name.lower() in PARTS]
    found = {folder: find_main(root / folder, _list_tables(root / folder, suffixes)) for folder in folders}
    tables = {folder: name for folder, name in found.items() if name}
    if tables:
        for folder in folders:
            if folder not in tables and _holds_files(root / folder):
                other, name = next(iter(tables.items()))
                message = f"has {other}/{name}, but no table in {folder}"
                remedy = f"add {folder}/{name}, or move {folder} away"
                raise DataError(message, where=root, remedy=remedy)
        return _by_part(root, {folder: f"{folder}/{name}" for folder, name in tables.items()})
    files = [name for name in _list_tables(root, suffixes) if Path(name).stem.lower() in PARTS]
    return _by_part(root, {name: name for name in files}) if len(files) > 1 else {}


def _list_tables(folder: Path, suffixes: Sequence[str]) -> list[str]:
    entries = list_entries(folder)
    return [each.name for each in entries if not each.is_folder and Path(each.name).suffix.lower() in suffixes]


def _holds_files(folder: Path) -> bool:
    return any(not each.is_folder or _holds_files(folder / each.name) for each in list_entries(folder))


def _by_part(root: Path, tables: Mapping[str, str]) -> dict[str, str]:
    """Tables by part in the order of parts; DataError where two are of one part."""
    parts = {path: PARTS[Path(name).stem.lower()] for name, path in tables.items()}
    check_distinct_parts(root, parts)
    order = [*dict.fromkeys(PARTS.values())]
    return {part: path for path, part in sorted(parts.items(), key=lambda each: order.index(each[1]))}


def load_part_tables(root: Path) -> Table:
    """The rows of the tables of all parts, with the column ``split``; DataError where one says another part.

    Names of files start from the folder of their table. A column that a table lacks is empty in its rows, which
    ``notes`` of the table say.
    """
    paths = find_part_tables(root)
    if not paths:
        remedy = "add a table to each, such as train/metadata.csv, or describe the folder again with --force"
        raise DataError("has no tables of parts", where=root, remedy=remedy)
    tables = {part: _load_part(root, path, part) for part, path in paths.items()}
    names = dict.fromkeys(chain.from_iterable(table.columns for table in tables.values()))
    columns: dict[str, Sequence[Any]] = {
        name: [*chain.from_iterable(table.columns.get(name) or [None] * table.n for table in tables.values())]
        for name in names
    }
    notes = []
    for name in names:
        lacking = [paths[part] for part, table in tables.items() if name not in table.columns]
        if lacking:
            notes.append(f"column {name}: not in {' and '.join(lacking)}, empty in their rows")
    if not find_single(columns, SPLITS):
        columns["split"] = [part for part, table in tables.items() for _ in range(table.n)]
    rows = [f"{paths[part]} {table.row(at)}" for part, table in tables.items() for at in range(table.n)]
    return Table(root, columns, len(rows), rows, [root / path for path in paths.values()], notes)


def _load_part(root: Path, path: str, part: str) -> Table:
    """The table of a part, with names of files that start from ``root``; DataError where a row says another part."""
    table = load_table(root / path)
    if stated := find_single(table.columns, SPLITS):
        for at, text in enumerate(as_texts(table.columns[stated])):
            if text is None or PARTS.get(text.strip().lower()) != part:
                message = f"{table.row(at)} has {text!r} in column {stated}, but the table is that of the part {part}"
                raise DataError(message, where=root / path, remedy=f"correct the row, or rename the column {stated}")
    folder = str(PurePosixPath(path).parent)
    columns = {
        name: [_start_from(folder, cell) for cell in cells] if folder != "." and is_file_column(name) else cells
        for name, cells in table.columns.items()
    }
    return Table(root / path, columns, table.n)


def _start_from(folder: str, cell: Any) -> Any:
    if isinstance(cell, list):
        return [_start_from(folder, each) for each in cell]
    return f"{folder}/{cell}" if cell else cell
