"""Pickles of arrays: written as Python 2's cPickle wrote DEAP's, and read without running what they name.

Every name that a pickle of arrays needs is answered with an inert stand-in of this module; any other name is refused.
What a file may cost is bounded by its size: the opcodes are those that arrays, texts and numbers need, and few; keys
of dicts are texts or integers (the hash of tuples that hold each other takes as long as one likes); nothing is decoded
more than once.
"""

import mmap
import pickle
import re
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError

_LARGE = 1 << 16  # bytes
_LONGEST_TEXT = 1000  # bytes of a name, type or encoding
_MOST = 10_000  # opcodes; DEAP's files have about 70


class _DType:
    """Stands in for numpy.dtype: its code and byte order, real numbers only."""

    def __init__(self, code: object, *_: object) -> None:
        code = _text(code)
        if not re.fullmatch(r"[fiu][1248]", code):
            raise pickle.UnpicklingError(f"an array of type {code!r}, not of numbers")
        self.code = code

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = _text(state[1])
        order = order if order in ("<", ">") else "="
        self.dtype = np.dtype(order + self.code)


class _Array:
    """Stands in for numpy.ndarray: no memory is taken but that of the bytes which are there."""

    value: NDArray[Any]

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, is_fortran, raw = state
        content = raw.encode("latin1") if isinstance(raw, str) else raw  # a str was written by Python 3
        self.value = np.frombuffer(content, dtype.dtype).reshape(shape, order="F" if is_fortran else "C")


def _reconstruct(*_: object) -> _Array:
    return _Array()


def _text(value: object) -> str:
    """What Python 2 or 3 wrote as a short string."""
    if not isinstance(value, bytes | memoryview | str) or len(value) > _LONGEST_TEXT:
        raise pickle.UnpicklingError(f"a {type(value).__name__} where a short text is expected")
    return value if isinstance(value, str) else bytes(value).decode("latin1")


def _encode(text: str, encoding: object) -> bytes:
    if _text(encoding) != "latin1":
        raise pickle.UnpicklingError(f"bytes in encoding {encoding!r}")
    return text.encode("latin1")


_STAND_INS = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _DType,
    ("_codecs", "encode"): _encode,
}


# Those of numbers, texts, tuples, lists, dicts, names, calls of the stand-ins, and references to them.
_OPCODES = b"".join(
    (
        *(pickle.PROTO, pickle.FRAME, pickle.STOP, pickle.MARK, pickle.MEMOIZE, pickle.PUT, pickle.BINPUT),
        *(pickle.LONG_BINPUT, pickle.GET, pickle.BINGET, pickle.LONG_BINGET, pickle.NONE, pickle.NEWTRUE),
        *(pickle.NEWFALSE, pickle.INT, pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG, pickle.LONG1),
        *(pickle.FLOAT, pickle.BINFLOAT, pickle.STRING, pickle.BINSTRING, pickle.SHORT_BINSTRING, pickle.UNICODE),
        *(pickle.BINUNICODE, pickle.SHORT_BINUNICODE, pickle.BINUNICODE8, pickle.BINBYTES, pickle.SHORT_BINBYTES),
        *(pickle.BINBYTES8, pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3),
        *(pickle.EMPTY_LIST, pickle.LIST, pickle.APPEND, pickle.APPENDS, pickle.EMPTY_DICT, pickle.DICT),
        *(pickle.SETITEM, pickle.SETITEMS, pickle.GLOBAL, pickle.STACK_GLOBAL, pickle.REDUCE, pickle.BUILD),
    )
)


def _checked(code: int, load: Callable[[Any], None]) -> Callable[[Any], None]:
    """How an opcode is carried out, once it is seen that it may be."""

    def step(unpickler: "_ArrayUnpickler") -> None:
        unpickler.count()
        unpickler.check(bytes([code]))
        load(unpickler)

    return step


def _refused(code: int) -> Callable[[Any], None]:
    """How any other opcode is carried out: not at all."""

    def step(_: Any) -> None:
        raise pickle.UnpicklingError(f"an opcode, 0x{code:02x}, that no pickle of arrays needs")

    return step


class _ArrayUnpickler(pickle._Unpickler):  # the one in C makes room for any memo index that a file claims
    dispatch: ClassVar = {
        code: _checked(code, pickle._Unpickler.dispatch[code]) if code in _OPCODES else _refused(code)
        for code in range(256)
    }
    stack: list[Any]

    def __init__(self, file: Any, size: int) -> None:
        super().__init__(file, encoding="bytes")
        self._steps, self._decodable = _MOST, size

    def count(self) -> None:
        """One opcode more; UnpicklingError where there are too many."""
        self._steps -= 1
        if self._steps < 0:
            raise pickle.UnpicklingError(f"more than {_MOST} steps, for a dict of arrays")

    def check(self, code: bytes) -> None:
        """Raise UnpicklingError where an opcode would do what no pickle of arrays needs."""
        if code in (pickle.SETITEM, pickle.SETITEMS, pickle.DICT):
            # What follows the mark, or the last pair.
            for key in self.stack[-2:-1] if code == pickle.SETITEM else self.stack[::2]:
                if not isinstance(key, bytes | str | int):
                    raise pickle.UnpicklingError(f"a {type(key).__name__} as a key of a dict")
        elif code in (pickle.REDUCE, pickle.BUILD):
            *_, target, given = self.stack
            if not isinstance(given, tuple):
                raise pickle.UnpicklingError(f"a {type(given).__name__} as the arguments of a call")
            if code == pickle.BUILD and not isinstance(target, _Array | _DType):
                raise pickle.UnpicklingError("the state of something that has none")
            self._decodable -= sum(len(text) for text in given if isinstance(text, str))
            if self._decodable < 0:
                raise pickle.UnpicklingError("one text is decoded many times")

    def find_class(self, module: str, name: str) -> Any:
        if name == "_frombuffer":  # as numpy writes arrays with protocol 5
            raise pickle.UnpicklingError("an array of protocol 5")
        try:
            return _STAND_INS[module, name]
        except KeyError:
            raise DataError(
                f"this pickle names {module}.{name}, which is no array of numbers as in DEAP's files; nothing was run",
                remedy="use DEAP's own file; unpickle this one yourself only if you trust who wrote it",
            ) from None


class _Views:
    """Bytes read as a file is; what is large comes as a view of them, since a subject's arrays are 100 MB."""

    def __init__(self, content: bytes | mmap.mmap) -> None:
        self._content, self._view, self._at = content, memoryview(content), 0

    def read(self, size: int) -> bytes | memoryview:
        """The next bytes, fewer at the end; all that are left for a negative size."""
        piece = self._take(self._at + size if size >= 0 else len(self._view))
        return piece if size >= _LARGE else bytes(piece)

    def readline(self) -> bytes:
        """The next line."""
        end = self._content.find(b"\n", self._at)
        return bytes(self._take(end + 1 if end >= 0 else len(self._view)))

    def _take(self, end: int) -> memoryview:
        start, self._at = self._at, min(end, len(self._view))
        return self._view[start : self._at]


def load_arrays(content: bytes | mmap.mmap) -> dict[str, NDArray[Any]]:
    """The dict of arrays in a pickle of any protocol up to 4, read-only views of its bytes.

    Raises DataError when it names anything but NumPy's arrays, and ValueError when it is damaged.
    """
    if content[-1:] != pickle.STOP:
        raise ValueError("it ends in the middle")
    try:
        file: Any = _Views(content)  # what unpickling asks of a file, and no more
        value = _ArrayUnpickler(file, len(content)).load()
    except DataError:
        raise
    except Exception as error:  # a damaged pickle can fail in any way
        if content[:2] == b"\x80\x05":
            raise ValueError("it is a pickle of protocol 5: write it with protocol 2, 3 or 4") from error
        raise ValueError(f"it is truncated or damaged ({type(error).__name__} {error})"[:140].strip()) from error
    if not isinstance(value, dict):
        raise ValueError(f"holds a {type(value).__name__}, not a dict")
    return {_name(key): item.value for key, item in value.items() if isinstance(item, _Array)}


def _name(key: object) -> str:
    return key.decode("latin1") if isinstance(key, bytes) else str(key)


def write_arrays(file: BinaryIO, arrays: Mapping[str, NDArray[np.float64]]) -> None:
    """Write a dict of float64 arrays, byte for byte as Python 2.7's ``cPickle.dump(arrays, file, 2)`` does."""
    file.write(b"\x80\x02}q\x01(")
    memo = 2
    for index, (name, array) in enumerate(arrays.items()):
        file.write(b"U" + bytes([len(name)]) + name.encode("ascii") + b"q" + bytes([memo]))
        memo = _write_array(file, array, memo + 1, is_first=index == 0)
    file.write(b"u.")


def _write_array(file: BinaryIO, array: NDArray[np.float64], memo: int, *, is_first: bool) -> int:
    """One array; the first defines the names at memo 3, 4 and 7 that the others refer to."""
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
        raise ValueError(f"{len(shape)} dimensions; at most three can be written")
    return b"".join(numbers) + {1: b"\x85", 2: b"\x86", 3: b"\x87"}[len(shape)]


def load_pickle(path: Path) -> dict[str, NDArray[Any]]:
    """``load_arrays`` of a file, which is read where the arrays are; errors name it."""
    with path.open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""
    try:
        return load_arrays(content)
    except DataError as error:
        raise DataError(error.message, where=path, remedy=error.remedy) from None
