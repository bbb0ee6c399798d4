"""HDF5 files of the cache: opened without locks, with only the kinds of datasets that mmbench writes.

Checksums show that bytes are unchanged, not who wrote them. What another program may have put into a file (links to
other files, virtual datasets, filters, references that NumPy would follow into memory) is rejected before it is read.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
from numpy.typing import NDArray

# What HDF5 and NumPy raise for a truncated file or one of another program.
HDF5_ERRORS = (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError, OverflowError)
Shape = tuple[int | None, ...]


def open_hdf5(path: Path, mode: Literal["r", "w"]) -> h5py.File:
    """An HDF5 file, opened without the locks of the library, which fail on disks without file locks.

    They are not needed: a file is written under a temporary name and read once it is complete.
    """
    return h5py.File(path, mode, locking=False)


def find_hdf5_dataset(file: h5py.Group, name: str, dtype: tuple[str, ...], shape: Shape) -> h5py.Dataset:
    """The dataset ``name``, of one of the types ``dtype`` (``text`` or a NumPy name); None in ``shape``: any length.

    Raises ValueError if it has another type or shape, or is not stored in one piece in this file.
    """
    found = _follow(file, name)
    if not isinstance(found, h5py.Dataset) or found.shape is None:
        raise ValueError(f"{name} is not a dataset")
    if found.chunks is not None or found.is_virtual or found.external:
        raise ValueError(f"{name} is not stored in one piece in this file")
    if found.id.get_storage_size() < found.size * found.id.get_type().get_size():
        raise ValueError(f"{name} was never written")
    if _type_of(found) not in dtype:
        raise ValueError(f"{name} holds {_type_of(found)}, not {' or '.join(dtype)}")
    if len(found.shape) != len(shape) or any(
        want not in (None, have) for want, have in zip(shape, found.shape, strict=True)
    ):
        raise ValueError(f"{name} has the shape {found.shape}, not {shape}")
    return found


def find_hdf5_texts(file: h5py.Group, name: str, n: int | None) -> NDArray[np.str_]:
    """The ``n`` strings of a dataset; ValueError as in `find_hdf5_dataset`, and if they are not UTF-8."""
    texts: NDArray[np.str_] = find_hdf5_dataset(file, name, ("text",), (n,)).asstr()[()].astype(np.str_)
    return texts


def allocate_hdf5_dataset(group: h5py.Group, name: str, shape: Sequence[int], dtype: np.dtype[Any]) -> int:
    """Allocate a dataset that is written without HDF5; returns its offset in the file in bytes."""
    how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    how.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    how.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    how.set_obj_track_times(False)
    space = h5py.h5s.create_simple(tuple(shape))
    made = h5py.h5d.create(group.id, name.encode(), h5py.h5t.py_create(dtype, logical=True), space, how)
    return made.get_offset() or 0  # None for an empty dataset


def _follow(file: h5py.Group, name: str) -> object:
    """The object of a name in a file; links to other objects are not followed."""
    at: object = file
    for part in name.split("/"):
        if not isinstance(at, h5py.Group) or not isinstance(at.get(part, getlink=True), h5py.HardLink):
            raise ValueError(f"has no {name}")
        at = at[part]
    return at


def _type_of(dataset: h5py.Dataset) -> str:
    text = h5py.check_string_dtype(dataset.dtype)
    if text is not None:
        return "text" if text.length is None else "bytes"
    # NumPy would take the bytes in the file for memory addresses.
    return "references" if dataset.dtype.hasobject else str(dataset.dtype)
