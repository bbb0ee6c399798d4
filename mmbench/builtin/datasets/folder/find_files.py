"""Tables and arrays in a folder: which is the table of samples, and which others belong to it."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mmbench import DataError
from mmbench.builtin.datasets.folder.arrays import SUFFIXES as ARRAYS
from mmbench.builtin.datasets.folder.arrays import load_arrays
from mmbench.builtin.datasets.folder.part_tables import PART_TABLES, find_part_tables, load_part_tables
from mmbench.builtin.datasets.folder.questions import Question
from mmbench.builtin.datasets.folder.roles import IDS, find_single, is_file_column
from mmbench.builtin.datasets.folder.tables import SUFFIXES, Table, find_main, is_named_main, load_table, named_files
from mmbench.builtin.datasets.folder.tree import FOLDERS, find_class_folders, load_tree


def find_table(root: Path) -> str:
    """The name of the table of a folder, of a file its own; DataError where none is, or which one is not plain.

    It is ``metadata`` or ``labels``, or else the tables of parts or the only table; without one, folders of classes.
    """
    if root.is_file():
        return root.name
    files = [path.name for path in list_files(root, SUFFIXES)]
    parts = find_part_tables(root)
    # Of an NPZ file beside another table or folders of classes, its arrays are meant.
    tables = [name for name in files if not name.lower().endswith(".npz")]
    folders = [] if tables else find_class_folders(root)
    tables = tables if tables or folders else files
    main = find_main(root, tables, "keep one, or name it in dataset.toml")
    if main and is_named_main(main):
        if inside := [path for path in parts.values() if "/" in path]:
            message = f"holds {main} and {inside[0]}, which may both be the table of samples"
            remedy = f'keep one, or write table = "{main}" or "{PART_TABLES}" in dataset.toml'
            raise DataError(message, where=root, remedy=remedy)
        return main
    if parts or main:
        return PART_TABLES if parts else main
    if tables:
        remedy = "call the table with a row for each sample metadata, or name it in dataset.toml"
        raise DataError(f"holds {len(tables)} tables: {', '.join(tables)}", where=root, remedy=remedy)
    if folders:
        return FOLDERS
    remedy = "add metadata.csv, or a folder of files for each class"
    raise DataError("holds no table of samples", where=root, remedy=remedy)


def load_main_table(root: Path, name: str) -> Table:
    """The table ``name`` of a folder, or that of its folders of classes or of its parts; of a file its own."""
    if name == FOLDERS and root.is_dir():
        return load_tree(root).table
    if name == PART_TABLES and root.is_dir():
        return load_part_tables(root)
    return load_table(root if root.is_file() else root / name)


def list_files(root: Path, suffixes: Sequence[str]) -> list[Path]:
    """The files in a folder that are not hidden and have one of the suffixes, by name."""
    found = (path for path in root.iterdir() if path.suffix.lower() in suffixes)
    return sorted(path for path in found if path.is_file() and not path.name.startswith("."))


class OtherFiles(NamedTuple):
    """Files beside the table: ``tables`` and ``arrays`` with rows of its samples, and questions about the others."""

    tables: Sequence[Table] = ()
    arrays: Sequence[Path] = ()
    questions: Sequence[Question] = ()


def find_other_files(root: Path, table: Table, identity: str, ignore: Sequence[str]) -> OtherFiles:
    """The files in the folder ``root`` that belong to a table; none for a single file, but its own arrays.

    Files that cells of the table name, and those to ``ignore``, are left out.
    """
    if root.is_file():
        return OtherFiles(arrays=[root] if root.suffix.lower() in ARRAYS else [])
    cells = [cells for column, cells in table.columns.items() if is_file_column(column)]
    known = {*ignore, *(name for each in cells for name in named_files(each))}
    tables: list[Table] = []
    questions: list[Question] = []
    for path in list_files(root, SUFFIXES):
        if (
            path.name in known
            or path in (table.path, *table.files)
            or (path.suffix.lower() in ARRAYS and not _has_ids(path))
        ):
            continue
        found = _load_other(path)
        if path.suffix.lower() in ARRAYS and len(found.columns) == 1:
            continue
        if not find_single(found.columns, IDS):
            what = "has no column of ids to match its rows by"
        elif not identity:
            what = f"has ids, but {table.path.name} has no column of ids"
        else:
            tables.append(found)
            continue
        questions.append(Question(f"{path.name} {what}", f"--ignore {path.name}"))
    arrays = [path for path in list_files(root, ARRAYS) if path.name not in known and path not in table.files]
    return OtherFiles(tables, arrays, questions)


def _has_ids(path: Path) -> bool:
    return bool(find_single([name for name, each in load_arrays(path).items() if each.ndim == 1], IDS))


def _load_other(path: Path) -> Table:
    try:
        return load_table(path)
    except DataError as error:
        remedy = f"{error.remedy}, or describe the folder with --ignore {path.name}"
        raise DataError(error.message, where=error.where, remedy=remedy) from None
