"""Sources of instances by row: what they have in common, and arrays of prepared files and token files."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Modality
from mmbench.data.samples.bag import has_arrays
from mmbench.data.store_writer import is_mapped
from mmbench.errors import DamagedError
from mmbench.storage import (
    HDF5_ERRORS,
    CheckedExtent,
    ChecksummedFile,
    Extent,
    find_hdf5_dataset,
    open_hdf5,
)

Rows = NDArray[np.int64]


class Source(Protocol):
    """Instances of one modality by row, raw or as tokens.

    ``lengths`` are those of all instances, int64 ``(N, K)``: time steps, frames, bytes of a text; 0 for absent ones.
    None where all have the same.
    """

    @property
    def lengths(self) -> NDArray[np.int64] | None:
        """The lengths of all instances ``(N, K)``; None where all have the same."""

    def read(self, rows: Rows) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Values ``(n, K, ...)`` and presence ``(n, K)`` of some rows, padded with zeros to the longest of them."""


def check_modality(file: h5py.File, modality: Modality, n: int) -> None:
    """Raise ValueError unless the datasets of a modality fit the schema."""
    at, bag = f"modalities/{modality.name}", (n, modality.instances)
    for mask in ("present", "inferred"):
        find_hdf5_dataset(file, f"{at}/{mask}", ("bool",), bag)
    if has_arrays(modality):
        find_hdf5_dataset(file, f"{at}/x", ("float32",), (*bag, *modality.shape))
        return
    if modality.kind == "timeseries":
        total = find_hdf5_dataset(file, f"{at}/x", ("float32",), (None,)).size
    else:
        total = find_hdf5_dataset(file, f"{at}/bytes", ("uint8",), (None,)).size
    if modality.kind == "video":
        n_frames = find_hdf5_dataset(file, f"{at}/times", ("float64",), (None,)).size
        _check_offsets(file, f"{at}/frames", n_frames, total)
        total = n_frames
    sizes = np.diff(_check_offsets(file, f"{at}/offsets", math.prod(bag), total)).reshape(bag)
    if modality.kind != "image":
        _check_lengths(file, modality, sizes)


def _check_offsets(file: h5py.File, name: str, n: int, total: int) -> NDArray[np.int64]:
    """The offsets of ``n`` pieces of ``total`` elements; ValueError if they are out of order."""
    offsets: NDArray[np.int64] = find_hdf5_dataset(file, name, ("int64",), (n + 1,))[()]
    if offsets[0] != 0 or offsets[-1] != total or (np.diff(offsets) < 0).any():
        raise ValueError(f"the offsets {name} are out of order")
    return offsets


def _check_lengths(file: h5py.File, modality: Modality, sizes: NDArray[np.int64]) -> None:
    """ValueError unless stored ``sizes`` ``(N, K)``, in elements, are those of instances of the modality."""
    at = f"modalities/{modality.name}"
    present = file[f"{at}/present"][()]
    lengths = sizes
    if modality.kind == "timeseries":
        lengths, rest = np.divmod(sizes, modality.shape[0] or 1)
        if rest.any():
            raise ValueError(f"the instances of {modality.name} have unequal channels")
    if modality.kind == "audio":
        lengths = find_hdf5_dataset(file, f"{at}/lengths", ("int64",), sizes.shape)[()]
        if (lengths < 0).any() or (sizes > 4 * lengths * (modality.shape[0] or 1)).any():
            raise ValueError(f"the instances of {modality.name} are larger than their lengths")
    wanted = {"audio": 1, "video": 0}.get(modality.kind)
    fixed = None if wanted is None else modality.shape[wanted]
    if ((lengths > 0) != present).any() or (fixed is not None and (lengths[present] != fixed).any()):
        raise ValueError(f"the lengths of {modality.name} are not those of its instances")


@contextmanager
def open_prepared(path: Path) -> Iterator[h5py.File]:
    """Open a checked file; DamagedError if it changed since."""
    try:
        with open_hdf5(path, "r") as file:
            yield file
    except HDF5_ERRORS as error:
        raise DamagedError(
            f"changed while it was open ({error})", where=path, remedy="the next run makes it again"
        ) from error


def read_presence(path: Path, modality: str) -> NDArray[np.bool_]:
    """Which instances of a modality are present, bool ``(N, K)``."""
    with open_prepared(path) as file:
        present: NDArray[np.bool_] = find_hdf5_dataset(file, f"modalities/{modality}/present", ("bool",), (None, None))[
            ()
        ]
    return present


def read_inferred(path: Path, modality: str) -> NDArray[np.bool_]:
    """Which instances of a modality were inferred (`Sample.inferred`), bool ``(N, K)``."""
    with open_prepared(path) as file:
        inferred: NDArray[np.bool_] = find_hdf5_dataset(
            file, f"modalities/{modality}/inferred", ("bool",), (None, None)
        )[()]
    return inferred


def to_float32(x: NDArray[np.float16]) -> NDArray[np.float32]:
    """Convert float16 to float32; torch is faster at it than NumPy."""
    import torch

    wide: NDArray[np.float32] = torch.from_numpy(x).float().numpy()
    return wide


def find_row_size(source: Source, rows: Rows) -> int:
    """The size in memory of the longest of some rows, in bytes, as `split_rows` needs it."""
    first, _ = source.read(rows[:1])
    if source.lengths is None or not len(rows):
        return first.nbytes
    longest = source.lengths[rows].max(axis=1)
    return first.nbytes * max(int(longest.max()), 1) // max(int(longest[0]), 1)


class ArraySource:
    """Memory-mapped arrays of a prepared file or a token file; float16 is read as float32.

    Raises DamagedError, on opening or when bytes are first read, where they changed after they were written.
    """

    lengths: NDArray[np.int64] | None = None

    def __init__(self, path: Path, modality: str) -> None:
        checked = ChecksummedFile(path)
        with open_prepared(path) as file:
            marks = find_hdf5_dataset(file, f"modalities/{modality}/present", ("bool",), (None, None))
            self.present: NDArray[np.bool_] = marks[()]
            rank = file[f"modalities/{modality}/x"].ndim - 2
            shape = (*self.present.shape, *[None] * rank)
            self.x, self._checked = map_dataset(
                checked, find_hdf5_dataset(file, f"modalities/{modality}/x", ("float32", "float16"), shape)
            )
        self._size = self.x.itemsize * math.prod(self.x.shape[1:])

    def read(self, rows: Rows) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Values ``(n, K, ...)`` and presence ``(n, K)`` of some rows."""
        if self._checked:
            self._checked.check((int(row) * self._size, (int(row) + 1) * self._size) for row in rows)
        x = np.asarray(self.x[rows])
        return to_float32(x) if x.dtype == np.float16 else x, self.present[rows]


def map_dataset(checked: ChecksummedFile, dataset: h5py.Dataset) -> tuple[NDArray[Any], CheckedExtent | None]:
    """A dataset, memory-mapped, with the checksums of its bytes; of an empty one the array alone."""
    if not is_mapped(dataset):
        empty: NDArray[Any] = dataset[()]
        return empty, None
    offset = dataset.id.get_offset()
    if Extent(offset, dataset.nbytes) not in [Extent(*extent) for extent in checked.footer.extents]:
        raise ValueError(f"its footer has no checksums of {dataset.name}")
    x = np.memmap(checked.path, mode="r", dtype=dataset.dtype, shape=dataset.shape, offset=offset)
    return x, checked.checked(offset)
