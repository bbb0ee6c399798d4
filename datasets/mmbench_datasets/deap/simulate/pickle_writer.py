"""Writes dicts of float64 arrays byte for byte as Python 2.7's cPickle, which wrote DEAP's files."""

import struct
from collections.abc import Mapping
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray


def write_arrays(file: BinaryIO, arrays: Mapping[str, NDArray[np.float64]]) -> None:
    """Write a dict of float64 arrays of at most three dimensions, as ``cPickle.dump(arrays, file, 2)`` does."""
    file.write(b"\x80\x02}q\x01(")
    memo = 2
    for index, (name, array) in enumerate(arrays.items()):
        file.write(b"U" + bytes([len(name)]) + name.encode("ascii") + b"q" + bytes([memo]))
        memo = _write_array(file, array, memo + 1, is_first=index == 0)
    file.write(b"u.")


def _write_array(file: BinaryIO, array: NDArray[np.float64], memo: int, *, is_first: bool) -> int:
    """Write one array and return the next free memo index; the first array defines memos 3, 4 and 7 for the others."""
    content = np.ascontiguousarray(array, "<f8").tobytes()
    if is_first:
        file.write(b"cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04")
        memo += 2
    else:
        file.write(b"h\x03h\x04")
    file.write(b"K\x00\x85U\x01b\x87Rq" + bytes([memo]) + b"(K\x01" + _shape(array.shape))
    if is_first:
        file.write(
            b"cnumpy\ndtype\nq\x06U\x02f8K\x00K\x01\x87Rq\x07(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        )
        memo += 2
    else:
        file.write(b"h\x07")
    length = bytes([len(content)]) if len(content) < 256 else struct.pack("<i", len(content))
    file.write(b"\x89" + (b"U" if len(content) < 256 else b"T") + length)
    file.write(content)
    file.write(b"tb")
    return memo + 1


def _shape(shape: tuple[int, ...]) -> bytes:
    numbers = (b"K" + bytes([n]) if n < 256 else b"M" + struct.pack("<H", n) for n in shape)
    if len(shape) > 3:
        raise ValueError(f"an array of {len(shape)} dimensions; at most 3 can be written")
    return b"".join(numbers) + {1: b"\x85", 2: b"\x86", 3: b"\x87"}[len(shape)]
