"""Arrays of NPY and NPZ files; those of NPY files are mapped, not loaded."""

import zlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from mmbench import DataError, check_content

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUFFIXES = (".npy", ".npz")


def load_arrays(path: Path) -> "dict[str, NDArray[Any]]":
    """The arrays of a file by name, that of an NPY file by its stem; DataError where it holds objects or is damaged."""
    return _load(path, _stamp(path) if path.exists() else None)


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes with the content of a file, also where a tool restores its time of modification."""
    status = path.stat()
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size


@lru_cache(maxsize=32)
def _load(path: Path, _: object) -> "dict[str, NDArray[Any]]":
    import numpy as np

    check_content(path, "is an array of NumPy", "is a ZIP archive")
    with path.open("rb") as opened:
        if not opened.read(6).startswith((b"\x93NUMPY", b"PK")):  # numpy takes it for a pickle
            raise DataError("is no file of numpy", where=path, remedy="save it again with numpy.save or numpy.savez")
    try:
        if path.suffix.lower() == ".npz":
            # numpy does not close a damaged file that it opens itself.
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        return {path.stem: np.load(path, mmap_mode="r", allow_pickle=False)}
    except (ValueError, OSError, EOFError, KeyError, BadZipFile, zlib.error) as error:
        if "allow_pickle" in str(error):
            message, remedy = "holds an array of Python objects", "save arrays of one shape, or one file a sample"
        else:
            message, remedy = f"cannot be read as an array ({error})", "save it again with numpy.save"
        raise DataError(message, where=path, remedy=remedy) from None


def load_array(path: Path, name: str = "") -> "NDArray[np.generic]":
    """The array ``name`` of a file, its only one if no name is given; DataError if it has none."""
    arrays = load_arrays(path)
    if not name and len(arrays) == 1:
        return next(iter(arrays.values()))
    if name not in arrays:
        raise DataError(f"has no array {name!r}", where=path, remedy=f"choose from {', '.join(arrays)}")
    return arrays[name]


def join_arrays(paths: Sequence[Path], name: str) -> "NDArray[np.generic]":
    """The rows of the arrays ``name`` of several files, one after the other; DataError where one differs in shape."""
    return _join(tuple(paths), name, tuple(map(_stamp, paths)))


@lru_cache(maxsize=8)
def _join(paths: tuple[Path, ...], name: str, _: object) -> "NDArray[np.generic]":
    import numpy as np

    arrays = [load_array(path, name) for path in paths]
    first = arrays[0]
    for path, array in zip(paths, arrays, strict=True):
        if array.shape[1:] != first.shape[1:]:
            message = f"{name} has rows of {array.shape[1:]}, that of {paths[0].name} of {first.shape[1:]}"
            raise DataError(message, where=path, remedy="give its rows one shape in all parts")
    return np.concatenate(arrays)
