"""Data in memory as a folder of the cache, named by its content, which the dataset ``folder`` reads."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.data.standardize import split_rows
from mmbench.errors import DataError
from mmbench.storage import locked, mark_in_use, slug, write_text, written_whole

MEMORY_FOLDER = "memory"
"""The folder of the cache that holds data given in memory."""
TABLE = "metadata.jsonl"
_DESCRIPTION = "dataset.toml"


@dataclass(frozen=True, repr=False)
class DataFolder:
    """Data that were in memory, in a folder of the cache: stands where the name of a dataset does, as in `mmbench.run`.

    ``path`` is the folder, ``lines`` say what was understood; ``print`` shows them.
    """

    path: Path
    lines: tuple[str, ...]

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return "\n".join((*self.lines, f"folder: {self.path}"))

    def __repr__(self) -> str:
        return f"<dataset {self.lines[0]}>"

    def _repr_html_(self) -> str:
        """What was understood, for a notebook."""
        return f"<pre>{escape(str(self))}</pre>"


def check_dataset_name(name: Any) -> None:
    """Raise DataError for what cannot name a dataset in tables and files."""
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise DataError(f"{name!r:.60} is no name", where="name", remedy='write a text, such as name="mine"')


@dataclass(frozen=True)
class FolderContent:
    """The files of a folder of data: columns of the table of samples, and arrays by file name."""

    name: str
    columns: Mapping[str, Sequence[Any]]
    arrays: Mapping[str, NDArray[Any]]

    def rows(self) -> Iterator[str]:
        """The lines of the table."""
        for cells in zip(*self.columns.values(), strict=True):
            yield json.dumps(dict(zip(self.columns, cells, strict=True)), ensure_ascii=False)

    def key(self, described: str) -> str:
        """A name made from the content and the text that describes it."""
        found = sha256(json.dumps([self.name, described]).encode())
        for line in self.rows():
            found.update(line.encode() + b"\n")
        for name, array in self.arrays.items():
            found.update(f"{name} {array.dtype} {array.shape}\n".encode())
            for block in _blocks(array):
                found.update(block.reshape(-1).view(np.uint8).data)
        return found.hexdigest()[:16]


def write_folder(cache: Path, content: FolderContent, stated: str, describe: Callable[[Path], str]) -> Path:
    """Write the content into a folder of the cache unless it is there; returns the folder.

    ``stated`` is the text that distinguishes two descriptions of one content; ``describe`` returns the text of
    ``dataset.toml`` once the other files are there. It is written last: a folder without it was interrupted, and is
    written again.
    """
    home = cache / MEMORY_FOLDER / f"{slug(content.name)}-{content.key(stated)}"
    folder = home / slug(content.name)
    with mark_in_use(cache), locked(home):
        if not _is_whole(folder, content):
            (folder / _DESCRIPTION).unlink(missing_ok=True)
            for name, array in content.arrays.items():
                with written_whole(folder / name) as path, path.open("wb") as file:
                    header = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape}
                    np.lib.format.write_array_header_1_0(file, header)
                    for block in _blocks(array):
                        block.tofile(file)
            with written_whole(folder / TABLE) as path, path.open("w", encoding="utf-8", newline="\n") as table:
                table.writelines(f"{line}\n" for line in content.rows())
        text = describe(folder)
        path = folder / _DESCRIPTION
        if not path.is_file() or path.read_text("utf-8") != text:
            write_text(path, text)
        os.utime(home)  # its last use, by which `mmbench cache clean --older-than` chooses
    return folder


def _blocks(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """The array in the order of its file, without a copy of the whole."""
    if array.flags.c_contiguous:
        yield from (array,) if array.size else ()
        return
    for rows in split_rows(np.arange(len(array)), array[:1].nbytes):
        yield np.ascontiguousarray(array[rows[0] : rows[-1] + 1])


def _is_whole(folder: Path, content: FolderContent) -> bool:
    return all((folder / name).is_file() for name in (*content.arrays, TABLE, _DESCRIPTION))
