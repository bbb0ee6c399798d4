"""Reads pickles of arrays, as many datasets are published in, without running the code that they name.

Every name that a pickle of arrays needs resolves to an inert substitute in this module; any other name is refused.
Time and memory are bounded by the size of the file: only opcodes of arrays, texts and numbers are allowed, and a
limited number of them; keys of dicts are texts or integers (hashing nested tuples takes exponential time); no text is
decoded twice.

Not the C unpickler of ``pickle`` with a restricted ``find_class``: it is as fast (1.6 against 1.5 s for a subject),
but 4 of 1,000 small damaged files made it request more than 4 GiB, and none this module (``benchmarks/libraries.py``).
"""

import mmap
import pickle
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError

_LARGE = 1 << 16  # bytes
_LONGEST_TEXT = 1000  # bytes of a name, dtype or encoding
_MOST_STEPS = 10_000  # opcodes; DEAP's files have about 70, a person of SEED-V about 1,500
_DEEPEST = 20  # containers within each other


class _DType:
    """Substitute for numpy.dtype: type code and byte order of real numbers."""

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
    """Substitute for numpy.ndarray: a view of the bytes in the file, which allocates no memory."""

    value: NDArray[Any]

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, is_fortran, raw = state
        content = raw.encode("latin1") if isinstance(raw, str) else raw  # Python 3 wrote a str
        self.value = np.frombuffer(content, dtype.dtype).reshape(shape, order="F" if is_fortran else "C")


def _reconstruct(*_: object) -> _Array:
    return _Array()


def _text(value: object) -> str:
    """A short string of Python 2 or 3 as str."""
    if not isinstance(value, bytes | memoryview | str) or len(value) > _LONGEST_TEXT:
        raise pickle.UnpicklingError(f"a {type(value).__name__} where a short text is expected")
    return value if isinstance(value, str) else bytes(value).decode("latin1")


def _encode(text: str, encoding: object) -> bytes:
    if _text(encoding) != "latin1":
        raise pickle.UnpicklingError(f"bytes in encoding {encoding!r}")
    return text.encode("latin1")


def _from_buffer(content: Any, dtype: _DType, shape: Any, order: object = b"C") -> _Array:
    """An array of protocol 5, whose numbers are in the pickle itself."""
    array = _Array()
    array.value = np.frombuffer(content, dtype.dtype).reshape(shape, order="F" if _text(order) == "F" else "C")
    return array


_SUBSTITUTES = {
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy._core.numeric", "_frombuffer"): _from_buffer,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _DType,
    ("_codecs", "encode"): _encode,
}


# Opcodes of numbers, texts, tuples, lists, dicts, names, calls of the substitutes, and references to them.
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
        pickle.BYTEARRAY8,
    )
)


def _checked(code: int, load: Callable[[Any], None]) -> Callable[[Any], None]:
    """The handler of an allowed opcode, with checks before it runs."""

    def step(unpickler: "_ArrayUnpickler") -> None:
        unpickler.count()
        unpickler.check(bytes([code]))
        load(unpickler)

    return step


def _refused(code: int) -> Callable[[Any], None]:
    """The handler of any other opcode, which raises UnpicklingError."""

    def step(_: Any) -> None:
        raise pickle.UnpicklingError(f"an opcode, 0x{code:02x}, that no pickle of arrays needs")

    return step


def _load_byte_array(unpickler: Any) -> None:
    """The handler of BYTEARRAY8, which takes a view of the file where Python's allocates what the file says."""
    size = int.from_bytes(unpickler.read(8), "little")
    content = unpickler.read(min(size, sys.maxsize))
    if len(content) != size:
        raise pickle.UnpicklingError("it is truncated")
    unpickler.append(content)


_HANDLERS: dict[int, Callable[[Any], None]] = {**pickle._Unpickler.dispatch, pickle.BYTEARRAY8[0]: _load_byte_array}


class _ArrayUnpickler(pickle._Unpickler):  # the C version allocates memory for any memo index in a file
    dispatch: ClassVar = {
        code: _checked(code, _HANDLERS[code]) if code in _OPCODES else _refused(code) for code in range(256)
    }
    stack: list[Any]

    def __init__(self, file: Any, size: int, most_steps: int) -> None:
        super().__init__(file, encoding="bytes")
        self._most, self._steps, self._decodable = most_steps, most_steps, size

    def count(self) -> None:
        """Count one opcode; raise UnpicklingError beyond the limit."""
        self._steps -= 1
        if self._steps < 0:
            raise pickle.UnpicklingError(f"more than {self._most} steps, for a dict of arrays")

    def check(self, code: bytes) -> None:
        """Raise UnpicklingError if the operands of an opcode are not those of a pickle of arrays."""
        if code in (pickle.SETITEM, pickle.SETITEMS, pickle.DICT):
            # SETITEM sets the last pair, the others all pairs since the mark.
            for key in self.stack[-2:-1] if code == pickle.SETITEM else self.stack[::2]:
                if not isinstance(key, bytes | str | int):
                    raise pickle.UnpicklingError(f"a {type(key).__name__} as a key of a dict")
        elif code in (pickle.REDUCE, pickle.BUILD):
            *_, target, arguments = self.stack
            if not isinstance(arguments, tuple):
                raise pickle.UnpicklingError(f"a {type(arguments).__name__} as the arguments of a call")
            if code == pickle.BUILD and not isinstance(target, _Array | _DType):
                raise pickle.UnpicklingError("the state of something that has none")
            self._decodable -= sum(len(text) for text in arguments if isinstance(text, str))
            if self._decodable < 0:
                raise pickle.UnpicklingError("one text is decoded many times")

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _SUBSTITUTES[module, name]
        except KeyError:
            raise DataError(
                f"the pickle names {module}.{name}, which is not part of an array of numbers; no code was run",
                remedy="use the publishers' own file; unpickle this one yourself only if you trust its author",
            ) from None


class _ViewFile:
    """A file object over bytes; large reads return views instead of copies, since a subject's arrays are 100 MB."""

    def __init__(self, content: bytes | mmap.mmap) -> None:
        self._content, self._view, self._at = content, memoryview(content), 0

    def read(self, size: int) -> bytes | memoryview:
        """The next ``size`` bytes, fewer at the end; all remaining for a negative size."""
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
    """The dict of arrays in a pickle of protocol 0-5, as read-only views of ``content``.

    Raises DataError if it names anything but NumPy's arrays, and ValueError if it is damaged.
    """
    value = _unpickle(content, _MOST_STEPS)
    if not isinstance(value, dict):
        raise ValueError(f"it holds a {type(value).__name__}, not a dict")
    return {_name(key): item.value for key, item in value.items() if isinstance(item, _Array)}


def load_tree(content: bytes | mmap.mmap, most_steps: int = _MOST_STEPS) -> Any:
    """Dicts, lists and tuples of arrays, texts and numbers in a pickle of at most ``most_steps`` opcodes.

    Arrays are read-only views of ``content``; bytes, which Python 2 wrote for texts, come as str; the keys of dicts are
    str or int. Raises as ``load_arrays``, and ValueError for containers that hold themselves.
    """
    return _plain(_unpickle(content, most_steps), {}, 0)


def _unpickle(content: bytes | mmap.mmap, most_steps: int) -> Any:
    if content[-1:] != pickle.STOP:
        raise ValueError("it is truncated")
    try:
        file: Any = _ViewFile(content)  # has only the methods that unpickling calls
        return _ArrayUnpickler(file, len(content), most_steps).load()
    except DataError:
        raise
    except Exception as error:  # a damaged pickle can fail in any way
        raise ValueError(f"it is truncated or damaged ({type(error).__name__} {error})"[:140].strip()) from error


def _plain(value: Any, made: dict[int, Any], depth: int) -> Any:
    """``value`` without substitutes; ``made`` holds the result of each container by its id, so that each is made once.

    A few containers that hold each other twice would otherwise take exponential time.
    """
    if isinstance(value, _Array):
        return value.value
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("latin1")
    if value is None or isinstance(value, str | int | float):
        return value
    if not isinstance(value, dict | list | tuple):
        raise ValueError("it holds something other than arrays, texts and numbers")
    if depth == _DEEPEST:
        raise ValueError(f"it holds more than {_DEEPEST} containers within each other")
    if id(value) not in made:
        if isinstance(value, dict):
            made[id(value)] = {_key(key): _plain(item, made, depth + 1) for key, item in value.items()}
        else:
            made[id(value)] = type(value)(_plain(item, made, depth + 1) for item in value)
    return made[id(value)]


def _key(key: object) -> str | int:
    return key if isinstance(key, int) else _name(key)


def _name(key: object) -> str:
    return key.decode("latin1") if isinstance(key, bytes) else str(key)


def load_pickle(path: Path) -> dict[str, NDArray[Any]]:
    """``load_arrays`` of a memory-mapped file; errors name it."""
    with _naming(path):
        return load_arrays(_map(path))


def load_pickle_tree(path: Path, most_steps: int = _MOST_STEPS) -> Any:
    """``load_tree`` of a memory-mapped file; errors name it."""
    with _naming(path):
        return load_tree(_map(path), most_steps)


def _map(path: Path) -> bytes | mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise DataError(error.message, where=path, remedy=error.remedy) from None
