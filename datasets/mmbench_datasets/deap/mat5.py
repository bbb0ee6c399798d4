"""Arrays of numbers in MATLAB's files of level 5, as DEAP's are, compressed or not.

Read here and not by scipy, whose reader takes the process down on some damaged files and the memory that they ask for.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
# Types of elements and classes of arrays that are real numbers: MAT-File Format, tables 1-1 and 1-3.
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
_IS_COMPLEX = 0x08


class _Element(NamedTuple):
    type: int
    content: memoryview


def load_mat(content: bytes, names: tuple[str, ...], most: int) -> dict[str, NDArray[Any]]:
    """The arrays of these names, of a file that may take ``most`` bytes when it is unpacked.

    Raises ValueError where the file is damaged, or of another level.
    """
    if content.startswith(b"MATLAB 7.3"):
        raise ValueError("it is of MATLAB 7.3: save it with -v7")
    order = {b"IM": "<", b"MI": ">"}.get(content[126:_HEADER])
    if order is None or not content.startswith(b"MATLAB 5.0"):
        raise ValueError("it is not of level 5, as MATLAB saves with -v6 and -v7")
    found: dict[str, NDArray[Any]] = {}
    for element in _elements(memoryview(content)[_HEADER:], order, pads=False):
        whole, most = _unpacked(element, order, most)
        if whole.type == _MATRIX and (made := _array(whole.content, order, names)):
            found[made[0]] = made[1]
    return found


def _elements(content: memoryview, order: str, *, pads: bool = True) -> Iterator[_Element]:
    """The elements in a stretch of bytes; ``pads`` where each begins at a multiple of 8."""
    at = 0
    while at < len(content):
        if len(content) - at < 8:
            raise ValueError("it ends in the middle")
        kind, size = struct.unpack_from(f"{order}II", content, at)
        start = at + 8
        if kind >> 16:  # up to four bytes stand in the place of their size
            kind, size, start = kind & 0xFFFF, kind >> 16, at + 4
        stop = start + size
        if stop > len(content) or (start == at + 4 and size > 4):
            raise ValueError("it ends in the middle")
        yield _Element(kind, content[start:stop])
        is_padded = pads or kind != _COMPRESSED
        at = at + 8 if start == at + 4 else stop + (-stop % 8 if is_padded else 0)


def _unpacked(element: _Element, order: str, most: int) -> tuple[_Element, int]:
    """An element as it was before it was compressed, and how many bytes others may take."""
    if element.type != _COMPRESSED:
        return element, most
    packer = zlib.decompressobj()
    try:
        content = packer.decompress(element.content, max(most, 1))
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if packer.unconsumed_tail or not packer.eof:
        raise ValueError("it ends in the middle, or is larger than DEAP's")
    inside = list(_elements(memoryview(content), order))
    if len(inside) != 1 or inside[0].type == _COMPRESSED:
        raise ValueError("it is compressed in another way")
    return inside[0], most - len(content)


def _array(content: memoryview, order: str, names: tuple[str, ...]) -> tuple[str, NDArray[Any]] | None:
    """The name and the values of an array; None for another name, or no real numbers."""
    parts = _elements(content, order)
    flags, shape, name = (next(parts, _Element(0, memoryview(b""))).content for _ in range(3))
    called = bytes(name).decode("latin1")
    if called not in names or len(flags) != 8:
        return None
    (word,) = struct.unpack_from(f"{order}I", flags)
    if (word & 0xFF) not in _CLASSES or (word >> 8) & _IS_COMPLEX:
        return None
    values = next(parts, _Element(0, memoryview(b"")))
    if values.type not in _TYPES or len(shape) % 4:
        raise ValueError(f"{called!r} holds no numbers")
    # Whole numbers are kept in fewer bytes than their class has.
    array = np.frombuffer(values.content, order + _TYPES[values.type])
    dimensions = np.frombuffer(shape, f"{order}i4").tolist()
    return called, array.reshape(dimensions, order="F").astype(_CLASSES[word & 0xFF])
