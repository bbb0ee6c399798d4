"""Modalities of the arrays in NPY and NPZ files of a folder that nobody described."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmbench.builtin.datasets.folder.arrays import join_arrays, load_arrays
from mmbench.builtin.datasets.folder.columns import as_texts
from mmbench.builtin.datasets.folder.description import KINDS, Stream
from mmbench.builtin.datasets.folder.part_tables import PART_TABLES
from mmbench.builtin.datasets.folder.questions import Question
from mmbench.builtin.datasets.folder.roles import IDS, find_single
from mmbench.builtin.datasets.folder.tables import Table


@dataclass
class FoundStreams:
    """Modalities by name, columns that nothing is made of, and questions."""

    streams: dict[str, Stream] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def add(self, name: str, stream: Stream) -> None:
        """Add a modality, under another name where there is one of this name, or the name has a dot or slash.

        A modality called as another kind, such as a table ``audio``, would get the encoder of that kind.
        """
        name = name.replace(".", "_").replace("/", "_")
        name = f"{name}_features" if name in KINDS and name != stream.kind else name
        names = (name, f"{name}_{stream.kind}", *(f"{name}_{stream.kind}{n}" for n in range(2, 1000)))
        self.streams[next(each for each in names if each not in self.streams)] = stream


def find_arrays(files: Sequence[Path], table: Table, identity: str, in_order: bool, found: FoundStreams) -> None:
    """Add the arrays in ``files`` with a row for each sample: vectors ``(n, D)`` and time series ``(n, C, T)``.

    Rows are matched by an array of ids, by names of arrays that are ids, or, ``in_order``, as those of the table. The
    arrays of NPZ files that are tables of parts are joined.
    """
    _add_parts(table, found)
    ids = {text for text in as_texts(table.columns[identity]) if text is not None} if identity else set()
    for file in files:
        arrays = load_arrays(file)
        own = find_single([name for name, each in arrays.items() if each.ndim == 1], IDS)
        if file == table.path:
            _add_rows(file, arrays, table.n, Stream("vector", file=file.name), found)
        elif own and identity:
            _add_rows(file, arrays, len(arrays[own]), Stream("vector", file=file.name, match="id", id=own), found)
        elif ids & set(arrays):
            _add_keyed(file, [array for name, array in arrays.items() if name in ids], found)
        elif in_order:
            _add_rows(file, arrays, table.n, Stream("vector", file=file.name, match="order"), found)
        else:
            what = f"has ids, but {table.path.name} has no column of ids" if own else "has no ids to match its rows by"
            option = f"--in-order if its rows are in the order of {table.path.name}, or --ignore {file.name}"
            found.questions.append(Question(f"{file.name} {what}", option))


def _add_rows(file: Path, arrays: Mapping[str, Any], n: int, stream: Stream, found: FoundStreams) -> None:
    rows = {name: array for name, array in arrays.items() if array.ndim > 1}
    for name, array in rows.items():
        if len(array) != n or array.ndim > 3:
            message = f"{file.name} {name} has the shape {array.shape} for {n} rows"
            option = f"--ignore {file.name}, or write [modality.{name}] in dataset.toml"
            found.questions.append(Question(message, option))
            continue
        kind = "vector" if array.ndim == 2 else "timeseries"
        found.add(
            file.stem if stream.match == "id" and len(rows) == 1 else name, replace(stream, kind=kind, array=name)
        )


def _add_parts(table: Table, found: FoundStreams) -> None:
    """The arrays of tables of parts that are NPZ files, joined; a question about one that a part lacks."""
    files = [path for path in table.files if path.suffix.lower() == ".npz"]
    arrays = [load_arrays(path) for path in files]
    names = dict.fromkeys(name for each in arrays for name, array in each.items() if array.ndim > 1)
    for name in names:
        if lacking := [path for path, each in zip(files, arrays, strict=True) if name not in each]:
            message = f"{lacking[0].relative_to(table.path).as_posix()} has no array {name}, which another part has"
            found.questions.append(Question(message, "add it, or remove it from the other parts"))
    whole = {name: join_arrays(files, name) for name in names if all(name in each for each in arrays)}
    if whole:
        _add_rows(table.path / PART_TABLES, whole, table.n, Stream("vector", file=PART_TABLES), found)


def _add_keyed(file: Path, arrays: Sequence[Any], found: FoundStreams) -> None:
    """An NPZ file with an array for each id: vectors ``(D,)`` or time series ``(C, T)``."""
    ndims = {array.ndim for array in arrays}
    if ndims not in ({1}, {2}):
        message = f"{file.name} has arrays of {' and '.join(map(str, sorted(ndims)))} dimensions, not of 1 or of 2"
        found.questions.append(Question(message, f"--ignore {file.name}"))
        return
    kind = "vector" if ndims == {1} else "timeseries"
    found.add(file.stem, Stream(kind, file=file.name, match="key"))
