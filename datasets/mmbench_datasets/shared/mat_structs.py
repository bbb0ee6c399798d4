"""Reads structs and cells from MATLAB files of level 5 as a stream, so that only what is wanted is in memory.

DREAMER.mat is one struct of 2 GB after decompression: scipy.io.loadmat, and pymatreader upon it, hold all of it, and
damaged files can crash their process (`mat5`). Files of format 7.3 are HDF5 and are refused.
"""

import math
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError
from mmbench_datasets.shared.mat5 import CLASSES, TYPES, check_level

MatPath = tuple[str | int, ...]
"""The place of an array: the name of a variable, then fields of structs and column-major numbers of cells, from 0."""

_HEADER = 128
_CELL, _STRUCT, _CHAR = 1, 2, 4
_MATRIX, _COMPRESSED = 14, 15
_TEXTS = {4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_CHUNK = 1 << 20  # bytes that are decompressed at a time
_DEEPEST = 20  # arrays within each other
_MOST_CHILDREN = 1_000_000  # of a cell or struct array
_LONGEST_NAME = 64
_REMEDY = "copy or download the file again"


def read_mat(
    path: Path,
    names: Sequence[str],
    most: int,
    keep: Callable[[MatPath], bool] = lambda _: True,
    measure: Callable[[MatPath], bool] = lambda _: False,
) -> dict[str, Any]:
    """The variables called ``names`` of a file, of which at most ``most`` bytes are decompressed.

    A struct is a dict, a char array a str, an array of numbers an ndarray, and a cell array, or an array of structs, an
    ndarray of objects of its shape. What lies at a place for which ``keep`` is False is None and takes no memory, as
    are kinds of arrays that hold neither numbers nor text; where ``measure`` is True, it is the shape of the array.
    Raises DataError if the file is damaged, larger or of another format.
    """
    found = {}
    for stream, order, size in _variables(path, most):
        with _naming(path):
            name, value = _Parser(stream, order, names, keep, measure).read(size)
        if name in names:
            found[name] = value
    return found


def find_shape(path: Path, place: MatPath, most: int) -> tuple[int, ...] | None:
    """The shape of the array at a place, without reading what comes after its header; None where there is none."""
    for stream, order, size in _variables(path, most):
        with _naming(path):
            try:
                _Parser(stream, order, [str(place[0])], lambda at: at == place[: len(at)], wanted=place).read(size)
            except _Found as found:
                return found.shape
    return None


def check_mat(path: Path) -> None:
    """Raise DataError for a file that is no MATLAB file of level 5, or ends before its variables; quick."""
    for stream, _, size in _variables(path, 0):
        with _naming(path):
            stream.skip(size)


class _Found(Exception):  # noqa: N818 - ends the search, and is no error
    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Damage as an error about the file."""
    try:
        yield
    except (ValueError, MemoryError, OverflowError, zlib.error, struct.error) as error:
        raise DataError(f"is truncated or damaged ({error})", where=path, remedy=_REMEDY) from error


class _File:
    """The bytes of a file from here on; ``at`` is the number of those read."""

    def __init__(self, file: BinaryIO, left: int) -> None:
        self._file, self._left, self.at = file, left, 0

    def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes; ValueError where there are fewer."""
        self._take(size)
        return self._file.read(size)

    def skip(self, size: int) -> None:
        """Pass over ``size`` bytes."""
        self._take(size)
        self._file.seek(size, 1)

    def _take(self, size: int) -> None:
        if not 0 <= size <= self._left:
            raise ValueError("it ends too early" if size > 0 else "an array is larger than its element")
        self._left -= size
        self.at += size


class _Unpacked:
    """The decompressed bytes of ``size`` bytes of a file, at most ``most``."""

    def __init__(self, file: _File, size: int, most: int) -> None:
        self._file, self._packed, self._most = file, size, most
        self._unpacker, self._ready, self._start, self.at = zlib.decompressobj(), b"", 0, 0

    def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes; ValueError where there are fewer."""
        return b"".join(self._pieces(size))

    def skip(self, size: int) -> None:
        """Pass over ``size`` bytes, which are decompressed."""
        for _ in self._pieces(size):
            pass

    def _pieces(self, size: int) -> Iterator[bytes]:
        if size > self._most:
            raise ValueError("it is larger than the published file")
        self._most -= size
        self.at += size
        while size:
            if self._start == len(self._ready):
                self._ready, self._start = self._unpack(), 0
            piece = self._ready[self._start : self._start + size]
            self._start += len(piece)
            size -= len(piece)
            yield piece

    def _unpack(self) -> bytes:
        """The next bytes, at most a chunk, at least one."""
        while not self._unpacker.eof:
            packed = self._unpacker.unconsumed_tail
            if not packed and self._packed:
                packed = self._file.read(min(_CHUNK, self._packed))
                self._packed -= len(packed)
            piece = self._unpacker.decompress(packed, _CHUNK)
            if piece:
                return piece
            if not packed:
                break
        raise ValueError("it ends too early")


_Stream = _File | _Unpacked


def _variables(path: Path, most: int) -> Iterator[tuple[_Stream, str, int]]:
    """Stream, byte order and size of the matrix element of each variable; with ``most`` 0, compressed ones as stored.

    A variable that the caller has not read is passed over.
    """
    check_level(path)
    with path.open("rb") as binary, _naming(path):
        header = binary.read(_HEADER)
        order = {b"IM": "<", b"MI": ">"}.get(header[126:])
        if order is None:
            raise ValueError("its header has no byte order")
        file = _File(binary, path.stat().st_size - _HEADER)
        while file.at < path.stat().st_size - _HEADER:
            kind, size = struct.unpack(f"{order}II", file.read(8))
            end = file.at + size
            if kind == _COMPRESSED and most:
                unpacked = _Unpacked(file, size, most)
                inner, length = struct.unpack(f"{order}II", unpacked.read(8))
                if inner == _MATRIX:
                    yield unpacked, order, length
            elif kind == _MATRIX or (kind == _COMPRESSED and not most):
                yield file, order, size
            file.skip(end - file.at)


class _Parser:
    """Reads one variable from a stream that stands at the content of its matrix element."""

    def __init__(
        self,
        stream: _Stream,
        order: str,
        names: Sequence[str],
        keep: Callable[[MatPath], bool],
        measure: Callable[[MatPath], bool] = lambda _: False,
        wanted: MatPath | None = None,
    ) -> None:
        self.stream, self.order, self.names = stream, order, names
        self.keep, self.measure, self.wanted = keep, measure, wanted

    def read(self, size: int) -> tuple[str, Any]:
        """Name and value; None for a variable that is not among the names."""
        if not size:
            return "", None
        end = self.stream.at + size
        kind, shape, name = self._header()
        value = self._value(kind, shape, (name,), end) if name in self.names else None
        return name, value

    def _element(self) -> tuple[int, bytes]:
        """Type and content of a small or a large element, whose padding is passed over."""
        kind, size = struct.unpack(f"{self.order}II", tag := self.stream.read(8))
        if kind >> 16:
            small = kind >> 16
            if small > 4:
                raise ValueError("an element of four bytes at most has more")
            return kind & 0xFFFF, tag[4 : 4 + small]
        content = self.stream.read(size)
        self.stream.skip(-size % 8)
        return kind, content

    def _header(self) -> tuple[int, tuple[int, ...], str]:
        """Class, shape and name of an array; the class is 0 for complex numbers."""
        flags = self._element()[1]
        if len(flags) != 8:
            raise ValueError("an array has no flags")
        (word,) = struct.unpack_from(f"{self.order}I", flags)
        shape = np.frombuffer(self._element()[1], f"{self.order}i4").tolist()
        if len(shape) < 2 or min(shape) < 0:
            raise ValueError("an array has no shape")
        name = self._element()[1].decode("latin1")
        return (0 if word >> 8 & 0x08 else word & 0xFF), tuple(shape), name

    def _value(self, kind: int, shape: tuple[int, ...], place: MatPath, end: int) -> Any:
        """The value of the array at ``place``, whose element ends at ``end``."""
        if place == self.wanted:
            raise _Found(shape)
        if len(place) > _DEEPEST:
            raise ValueError(f"it holds more than {_DEEPEST} arrays within each other")
        if kind == _CELL:
            return self._cells(shape, place, end)
        if kind == _STRUCT:
            return self._structs(shape, place, end)
        if kind == _CHAR:
            code, content = self._element()
            coding = _TEXTS.get(code, "latin1")
            suffix = {"<": "-le", ">": "-be"}[self.order] if coding in ("utf-16", "utf-32") else ""
            return content.decode(coding + suffix, "replace")
        return self._numbers(shape, kind) if kind in CLASSES else None

    def _numbers(self, shape: tuple[int, ...], kind: int) -> NDArray[Any]:
        code, content = self._element()
        if code not in TYPES:
            raise ValueError(f"an array has the type {code}, which is not of numbers")
        array = np.frombuffer(content, self.order + TYPES[code])
        return array.reshape(shape, order="F").astype(CLASSES[kind], copy=False)

    def _cells(self, shape: tuple[int, ...], place: MatPath, end: int) -> NDArray[Any]:
        array = self._make_objects(shape, end)
        for number in range(array.size):
            array[number] = self._child((*place, number))
        return array.reshape(shape, order="F")

    def _structs(self, shape: tuple[int, ...], place: MatPath, end: int) -> Any:
        """A dict, or an array of dicts unless there is exactly one."""
        (length,) = struct.unpack(f"{self.order}i", self._element()[1])
        names = self._element()[1]
        if not 0 < length <= _LONGEST_NAME or len(names) % length:
            raise ValueError("the names of its fields are damaged")
        fields = [names[at : at + length].split(b"\0")[0].decode("latin1") for at in range(0, len(names), length)]
        array = self._make_objects(shape, end)
        for number in range(array.size):
            inner = place if array.size == 1 else (*place, number)
            array[number] = {field: self._child((*inner, field)) for field in fields}
        return array[0] if array.size == 1 else array.reshape(shape, order="F")

    def _make_objects(self, shape: tuple[int, ...], end: int) -> NDArray[Any]:
        """An empty array, unless its children, of 8 bytes at least, would not fit into its element."""
        size = math.prod(shape)
        if size > _MOST_CHILDREN or size * 8 > end - self.stream.at:
            raise ValueError("an array is larger than its element")
        return np.empty(size, object)

    def _child(self, place: MatPath) -> Any:
        element, size = struct.unpack(f"{self.order}II", self.stream.read(8))
        if element != _MATRIX:
            raise ValueError(f"an element of type {element} in place of an array")
        end, value = self.stream.at + size, None
        if not size:
            return (0, 0) if self.measure(place) else np.empty((0, 0))
        if self.keep(place):
            kind, shape, _ = self._header()
            value = shape if self.measure(place) else self._value(kind, shape, place, end)
        if self.stream.at > end:
            raise ValueError("an array is larger than its element")
        self.stream.skip(end - self.stream.at)
        return value
