"""Sources of instances by row: arrays and images of prepared files, and tokens."""

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Modality
from mmbench.data.store_writer import is_mapped
from mmbench.errors import DamagedError, DataError
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
    """Instances of one modality by row, raw or as tokens."""

    @property
    def lengths(self) -> NDArray[np.int64] | None:
        """The steps of each instance ``(N, K)``, 0 for absent ones; None where all have the same length."""

    def read(self, rows: Rows) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Values ``(n, K, ...)`` and presence ``(n, K)`` of some rows, padded with zeros to the longest of them."""


def check_modality(file: h5py.File, modality: Modality, n: int) -> None:
    """Raise ValueError unless the datasets of a modality fit the schema."""
    at, bag = f"modalities/{modality.name}", (n, modality.instances)
    for mask in ("present", "inferred"):
        find_hdf5_dataset(file, f"{at}/{mask}", ("bool",), bag)
    if modality.kind != "image":
        find_hdf5_dataset(file, f"{at}/x", ("float32",), (*bag, *modality.shape))
        return
    total = find_hdf5_dataset(file, f"{at}/bytes", ("uint8",), (None,)).size
    offsets = find_hdf5_dataset(file, f"{at}/offsets", ("int64",), (math.prod(bag) + 1,))[()]
    if offsets[0] != 0 or offsets[-1] != total or (np.diff(offsets) < 0).any():
        raise ValueError(f"the offsets of the images of {modality.name} are out of order")


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


class ArraySource:
    """Memory-mapped arrays of a prepared file or a token file; float16 is read as float32.

    Raises DamagedError, on opening or when bytes are first read, where they changed after they were written.
    """

    lengths = None

    def __init__(self, path: Path, modality: str) -> None:
        checked = ChecksummedFile(path)
        with open_prepared(path) as file:
            marks = find_hdf5_dataset(file, f"modalities/{modality}/present", ("bool",), (None, None))
            self.present: NDArray[np.bool_] = marks[()]
            rank = file[f"modalities/{modality}/x"].ndim - 2
            shape = (*self.present.shape, *[None] * rank)
            self.x, self._checked = _mapped(
                checked, find_hdf5_dataset(file, f"modalities/{modality}/x", ("float32", "float16"), shape)
            )
        self._size = self.x.itemsize * math.prod(self.x.shape[1:])

    def read(self, rows: Rows) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Values ``(n, K, ...)`` and presence ``(n, K)`` of some rows."""
        if self._checked:
            self._checked.check((int(row) * self._size, (int(row) + 1) * self._size) for row in rows)
        x = np.asarray(self.x[rows])
        return to_float32(x) if x.dtype == np.float16 else x, self.present[rows]


class ImageSource:
    """JPEG or PNG images of a prepared file, decoded to uint8 RGB ``(n, K, 3, H, W)``."""

    lengths = None

    def __init__(self, path: Path, modality: Modality) -> None:
        self.modality = modality
        self.path = path
        checked = ChecksummedFile(path)
        with open_prepared(path) as file:
            at = f"modalities/{modality.name}"
            marks = find_hdf5_dataset(file, f"{at}/present", ("bool",), (None, modality.instances))
            self.present: NDArray[np.bool_] = marks[()]
            check_modality(file, modality, len(self.present))
            self.offsets: NDArray[np.int64] = file[f"{at}/offsets"][()]
            self.bytes, self._checked = _mapped(checked, file[f"{at}/bytes"])

    def read(self, rows: Rows) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Pixels ``(n, K, 3, H, W)`` and presence ``(n, K)`` of some rows; absent images are black."""
        present = self.present[rows]
        pixels = np.zeros((*present.shape, *self.modality.shape), dtype=np.uint8)
        for index, instance in np.argwhere(present):
            pixels[index, instance] = self._decode(int(rows[index]) * self.modality.instances + int(instance))
        return pixels, present

    def coded(self, row: int) -> list[bytes]:
        """The encoded files of the K images of a row; empty bytes where one is absent."""
        first = row * self.modality.instances
        offsets = self.offsets[first : first + self.modality.instances + 1].tolist()
        if self._checked:
            self._checked.check(iter([(offsets[0], offsets[-1])]))
        return [self.bytes[start:stop].tobytes() for start, stop in pairwise(offsets)]

    def _decode(self, position: int) -> NDArray[np.uint8]:
        from PIL import Image

        start, stop = (int(offset) for offset in self.offsets[position : position + 2])
        if self._checked:
            self._checked.check(iter([(start, stop)]))
        try:
            with Image.open(io.BytesIO(self.bytes[start:stop].tobytes())) as image:
                colours = image if image.mode == "RGB" else image.convert("RGB")
                pixels = np.asarray(colours, dtype=np.uint8).transpose(2, 0, 1)
        except Exception as error:  # Pillow raises errors of many classes
            raise DataError(
                f"image {position % self.modality.instances} of {self.modality.name} in sample "
                f"{position // self.modality.instances} cannot be decoded ({error})",
                where=self.path,
                remedy="fix or remove the file in the dataset and prepare it again",
            ) from error
        if pixels.shape != self.modality.shape:
            raise DataError(
                f"an image of {self.modality.name} is {pixels.shape}, not {self.modality.shape}", where=self.path
            )
        return pixels


def _mapped(checked: ChecksummedFile, dataset: h5py.Dataset) -> tuple[NDArray[Any], CheckedExtent | None]:
    if not is_mapped(dataset):
        empty: NDArray[Any] = dataset[()]
        return empty, None
    offset = dataset.id.get_offset()
    if Extent(offset, dataset.nbytes) not in [Extent(*extent) for extent in checked.footer.extents]:
        raise ValueError(f"its footer has no checksums of {dataset.name}")
    x = np.memmap(checked.path, mode="r", dtype=dataset.dtype, shape=dataset.shape, offset=offset)
    return x, checked.checked(offset)
