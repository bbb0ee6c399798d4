"""Tables of predictions: columns from a CSV, Parquet or NumPy file, a data frame or a mapping of arrays."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from mmbench.errors import DataError, SpecError
from mmbench.storage import read_csv

OUTPUTS = "outputs"
"""The array ``(n, n_outputs)`` of a NumPy file that holds all outputs, in the order of the classes or targets."""
_READ = ".csv, .tsv, .parquet or .npz"


@dataclass(frozen=True)
class Table:
    """Columns of equal length by name, texts or numbers; ``name`` says where they are from.

    ``content`` is what the digest of the predictions is computed of; ``row`` names a row by its index from 0.
    """

    name: str
    columns: Mapping[str, NDArray[Any]]
    content: bytes
    row: Callable[[int], str]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def where(self, index: int) -> str:
        """The file and the row of an error."""
        return f"{self.name}, {self.row(index)}"


def read_table(source: Any, names: Sequence[str]) -> Table:
    """The table of a path, a data frame or a mapping of arrays; ``names`` are the classes, labels or targets.

    DataError for a file that cannot be read or whose columns are not of equal length.
    """
    if isinstance(source, str | Path):
        path = Path(source)
        if path.suffix.lower() not in _READERS:
            raise SpecError(f"unknown kind of file {path.suffix!r}", where=path, remedy=f"give a {_READ} file")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise DataError(f"cannot be read ({error.strerror})", where=path, remedy=f"give a {_READ} file") from error
        table = _READERS[path.suffix.lower()](path, content, names)
    else:
        table = _from_memory(source, names)
    _check_lengths(table)
    return table


def _check_lengths(table: Table) -> None:
    lengths = {name: len(column) for name, column in table.columns.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise DataError(f"its columns differ in length ({listed})", where=table.name, remedy="give a row for each id")
    if not len(table):
        raise DataError("holds no predictions", where=table.name, remedy="give a row for each test sample of each fold")


def _read_csv(path: Path, content: bytes, names: Sequence[str]) -> Table:
    header, rows, lines = read_csv(path, content)
    columns = {name: np.array([row[at] for row in rows], dtype=np.str_) for at, name in enumerate(header)}
    return Table(str(path), columns, content, lambda index: f"line {lines[index]}")


def _read_parquet(path: Path, content: bytes, names: Sequence[str]) -> Table:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise SpecError(
            "reading Parquet needs pyarrow", where=path, remedy="pip install pyarrow, or save it as .csv or .npz"
        ) from error
    try:
        read = parquet.read_table(BytesIO(content))
    except (ArrowException, OSError) as error:
        raise DataError(f"is not a Parquet file ({error})", where=path, remedy="save it again") from error
    columns = {name: read.column(name).to_numpy() for name in read.column_names}
    return Table(str(path), _unfold(columns, names, str(path)), content, _by_number)


def _read_npz(path: Path, content: bytes, names: Sequence[str]) -> Table:
    try:
        with np.load(BytesIO(content), allow_pickle=False) as file:
            columns = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise DataError(
            f"is not a NumPy file without pickled objects ({error})",
            where=path,
            remedy="save it with numpy.savez(path, id=..., fold=..., outputs=...) of arrays of texts and numbers",
        ) from error
    return Table(str(path), _unfold(columns, names, str(path)), content, _by_number)


def _from_memory(source: Any, names: Sequence[str]) -> Table:
    """The columns of a mapping or of a data frame, which has ``columns`` and yields each by its name."""
    keys = list(source.columns) if hasattr(source, "columns") else list(source) if isinstance(source, Mapping) else None
    if keys is None:
        raise SpecError(
            f"{type(source).__name__} is no table of predictions",
            where="predictions",
            remedy="give a path, a data frame, or a mapping of arrays with id, fold, seed and outputs",
        )
    columns = _unfold({str(key): np.asarray(source[key]) for key in keys}, names, "predictions")
    content = json.dumps({name: list(map(str, columns[name].tolist())) for name in sorted(columns)}).encode()
    return Table("predictions", columns, content, _by_number)


def _by_number(index: int) -> str:
    return f"row {index + 1}"


def _unfold(columns: Mapping[str, NDArray[Any]], names: Sequence[str], where: str) -> dict[str, NDArray[Any]]:
    """The columns with those of ``outputs`` ``(n, n_outputs)`` under the names of the classes, labels or targets."""
    plain = dict(columns)
    outputs = plain.pop(OUTPUTS, None) if OUTPUTS not in names else None
    if outputs is not None:
        outputs = outputs[:, None] if outputs.ndim == 1 and len(names) == 1 else outputs
        if outputs.ndim != 2 or outputs.shape[1] != len(names):
            raise DataError(
                f"outputs has the shape {outputs.shape}", where=where, remedy=f"it must be (n, {len(names)})"
            )
        plain |= {name: outputs[:, at] for at, name in enumerate(names)}
    for name, column in plain.items():
        if column.ndim != 1:
            raise DataError(f"{name} has the shape {column.shape}", where=where, remedy="it must be (n,)")
    return plain


_READERS: Mapping[str, Callable[[Path, bytes, Sequence[str]], Table]] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".parquet": _read_parquet,
    ".npz": _read_npz,
}
