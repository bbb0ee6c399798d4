"""Reads numeric arrays from MATLAB files of level 5 (MAT 5, ``-v6`` and ``-v7``), compressed or not.

Not scipy.io.loadmat (nor pymatreader, which calls it): it is twice as fast (1.5 against 2.8 s for a subject), but of
1,000 small files with damaged bytes it crashed the process on 22, which no ``except`` can catch; this module on none
(``benchmarks/libraries.py``). Files of format
7.3 are HDF5, which h5py reads. `mat_structs` reads structs and cells.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError, check_content

_HEADER = 128
_HDF5 = b"MATLAB 7.3"  # how files of format 7.3 begin
_MATRIX, _COMPRESSED = 14, 15
# Data types and array classes of real numbers: MAT-File Format, tables 1-1 and 1-3.
TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
_IS_COMPLEX = 0x08


class _Element(NamedTuple):
    type: int
    content: memoryview


def check_level(path: Path) -> None:
    """Raise DataError for a file that by its first bytes is no MATLAB file of level 5, such as one of format 7.3."""
    check_content(path, "is a MATLAB file of level 5")
    with path.open("rb") as file:
        if file.read(len(_HDF5)) == _HDF5:
            message = "is in MATLAB's format 7.3, which is not read here"
            raise DataError(message, where=path, remedy="save it with -v7")


def load_mat(content: bytes, names: tuple[str, ...], most: int) -> dict[str, NDArray[Any]]:
    """The arrays called ``names``, from a file of at most ``most`` bytes after decompression.

    Raises ValueError if the file is damaged, larger or of another level.
    """
    if content.startswith(_HDF5):
        raise ValueError("it is in MATLAB's format 7.3, and truncated or damaged")
    order = {b"IM": "<", b"MI": ">"}.get(content[126:_HEADER])
    if order is None or not content.startswith(b"MATLAB 5.0"):
        raise ValueError("it is not a MATLAB file of level 5 (-v6 or -v7)")
    found: dict[str, NDArray[Any]] = {}
    for element in _elements(memoryview(content)[_HEADER:], order, pads=False):
        whole, most = _unpacked(element, order, most)
        if whole.type == _MATRIX and (made := _array(whole.content, order, names)):
            found[made[0]] = made[1]
    return found


def _elements(content: memoryview, order: str, *, pads: bool = True) -> Iterator[_Element]:
    """The elements in ``content``; with ``pads``, each starts at a multiple of 8 bytes."""
    at = 0
    while at < len(content):
        if len(content) - at < 8:
            raise ValueError("it is truncated")
        kind, size = struct.unpack_from(f"{order}II", content, at)
        start = at + 8
        if kind >> 16:  # small element: up to four bytes are stored in the tag
            kind, size, start = kind & 0xFFFF, kind >> 16, at + 4
        stop = start + size
        if stop > len(content) or (start == at + 4 and size > 4):
            raise ValueError("it is truncated")
        yield _Element(kind, content[start:stop])
        is_padded = pads or kind != _COMPRESSED
        at = at + 8 if start == at + 4 else stop + (-stop % 8 if is_padded else 0)


def _unpacked(element: _Element, order: str, most: int) -> tuple[_Element, int]:
    """The decompressed element, and the number of bytes left of ``most``."""
    if element.type != _COMPRESSED:
        return element, most
    packer = zlib.decompressobj()
    try:
        content = packer.decompress(element.content, max(most, 1))
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if packer.unconsumed_tail or not packer.eof:
        raise ValueError("it is truncated, or larger than the published files")
    inside = list(_elements(memoryview(content), order))
    if len(inside) != 1 or inside[0].type == _COMPRESSED:
        raise ValueError("a compressed element holds no single element")
    return inside[0], most - len(content)


def _array(content: memoryview, order: str, names: tuple[str, ...]) -> tuple[str, NDArray[Any]] | None:
    """Name and values of an array; None for other names and for arrays that are not real numbers."""
    parts = _elements(content, order)
    flags, shape, name = (next(parts, _Element(0, memoryview(b""))).content for _ in range(3))
    array_name = bytes(name).decode("latin1")
    if array_name not in names or len(flags) != 8:
        return None
    (word,) = struct.unpack_from(f"{order}I", flags)
    if (word & 0xFF) not in CLASSES or (word >> 8) & _IS_COMPLEX:
        return None
    values = next(parts, _Element(0, memoryview(b"")))
    if values.type not in TYPES or len(shape) % 4:
        raise ValueError(f"{array_name!r} holds no numbers")
    # Integers are stored in fewer bytes than their class has.
    array = np.frombuffer(values.content, order + TYPES[values.type])
    dimensions = np.frombuffer(shape, f"{order}i4").tolist()
    return array_name, array.reshape(dimensions, order="F").astype(CLASSES[word & 0xFF])
