"""The seal of a file in the cache: behind its content, what it was made from and checksums of its bytes.

HDF5 and NumPy read a file whatever follows its content. What is large is cut into blocks, each with a CRC-32 that is
compared when the block is first read; all the rest has one SHA-256 that is compared when the file is opened, before any
library reads it.
"""

import hashlib
import json
import mmap
import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar

import numpy as np

from mmbench.errors import DamagedError, StorageError
from mmbench.storage.json_toml import parse_json
from mmbench.storage.progress import current_reporter

T = TypeVar("T")

_MAGIC = b"mmbench seal 1\n\0"
_TAIL = 8 + 32 + len(_MAGIC)  # the length of the seal, its SHA-256, and what says that there is one
_BLOCK = 1 << 20
_MANY = 128  # blocks of which sums are taken in threads
DAMAGED_SUFFIX = ".damaged"
_CHANGED = "bytes have changed since it was written"
_CUT = "it was cut short while it was in use"
_REMEDY = "a run makes it again"


class Extent(NamedTuple):
    """Bytes of a file that are read a few at a time."""

    start: int
    size: int


@dataclass(frozen=True)
class ChecksumFooter:
    """What a file was made from, the size of its content, and its checksums.

    ``blocks`` has the CRC-32 of each block of each of the ``extents``; ``rest`` the SHA-256 of all other bytes.
    """

    kind: str
    made_from: Mapping[str, Any]
    size: int
    extents: Sequence[Sequence[int]]
    blocks: Sequence[Sequence[int]]
    rest: str

    def find(self, start: int) -> int:
        """The number of the extent that begins at ``start``."""
        return [extent[0] for extent in self.extents].index(start)


class CheckedExtent:
    """One extent of a file whose blocks are compared with their checksums when they are first read.

    The file is mapped, and the system kills who reads a mapped page that the file no longer has: its length is looked
    at before each read.
    """

    def __init__(self, sealed: "ChecksummedFile", extent: Extent, sums: Sequence[int]) -> None:
        self.path, self._sums, self._opened = sealed.path, sums, sealed.identity
        self._map, self._stop = sealed.map, extent.start + extent.size
        self._data = np.frombuffer(self._map, dtype=np.uint8)[extent.start : self._stop]
        self._todo = set(range(len(sums)))

    def check(self, spans: Iterator[tuple[int, int]]) -> None:
        """Compare what ``spans`` of bytes touch; DamagedError where it differs, and the file is set aside."""
        if self._map.size() < self._stop:
            raise rename_damaged(self.path, _CUT, self._now())
        if not self._todo:
            return
        touched = {block for start, stop in spans for block in range(start // _BLOCK, -(-stop // _BLOCK))}
        for block in sorted(touched & self._todo):
            if zlib.crc32(self._data[block * _BLOCK : (block + 1) * _BLOCK].data) != self._sums[block]:
                raise rename_damaged(self.path, _CHANGED, self._opened)
            self._todo.discard(block)

    def _now(self) -> tuple[int, ...]:
        """The identity of the file as it is now, where it still is the one that was opened."""
        now = file_identity(self.path) if self.path.exists() else ()
        return now if now[:2] == self._opened[:2] else self._opened


class ChecksummedFile:
    """A file whose seal, size and small parts are as they were written.

    Raises DamagedError where they are not.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            self.identity = _identity(os.fstat(file.fileno()))
            seal = _read_seal(file)
            if seal is None:
                raise DamagedError("it was not finished or is of another version", where=path, remedy=_REMEDY)
            self.seal = seal
            if _sum_rest(file, seal.size, [Extent(*extent) for extent in seal.extents]) != seal.rest:
                raise DamagedError(_CHANGED, where=path, remedy=_REMEDY)

    def checked(self, start: int) -> CheckedExtent:
        """The extent that begins at byte ``start``."""
        at = self.seal.find(start)
        return CheckedExtent(self, Extent(start, self.seal.extents[at][1]), self.seal.blocks[at])

    @cached_property
    def map(self) -> mmap.mmap:
        """The file in memory."""
        with self.path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def check_all(self) -> None:
        """Compare every block; DamagedError where one differs, and the file is set aside."""
        for start, size in self.seal.extents:
            self.checked(start).check(iter([(0, size)]))


def write_footer(path: Path, kind: str, made_from: Mapping[str, Any], extents: Sequence[Extent] = ()) -> None:
    """Put the seal behind the content of a file that is finished."""
    size = path.stat().st_size
    with path.open("rb+") as file:
        blocks = [_sum_blocks(file, extent) for extent in extents]
        seal = ChecksumFooter(kind, made_from, size, extents, blocks, _sum_rest(file, size, extents))
        text = json.dumps(vars(seal), separators=(",", ":")).encode()
        file.seek(size)
        file.write(text + len(text).to_bytes(8, "big") + hashlib.sha256(text).digest() + _MAGIC)


def read_footer(path: Path) -> ChecksumFooter | None:
    """The seal of a file, None where it has none that is whole; its content is not looked at."""
    try:
        with path.open("rb") as file:
            return _read_seal(file)
    except OSError:
        return None


def file_identity(path: Path) -> tuple[int, ...]:
    """What tells a file from another of the same name."""
    return _identity(path.stat())


def rename_damaged(path: Path, why: str, opened: tuple[int, ...] | None = None) -> DamagedError:
    """Rename a damaged file so that it is made again, unless that was done; the error that tells of it.

    ``opened`` is the `file_identity` of the file that was found to be damaged. Raises StorageError where the folder is
    read-only.
    """
    aside = path.with_name(path.name + DAMAGED_SUFFIX)
    try:
        if path.exists() and opened in (None, file_identity(path)):
            path.replace(aside)
    except OSError as error:
        raise StorageError(
            f"{why}, and its folder may only be read", where=path, remedy="name another folder (--cache)"
        ) from error
    return DamagedError(f"is damaged ({why})", where=path, remedy=f"it was set aside as {aside.name}, and {_REMEDY}")


def open_cached(path: Path, opened: Callable[[Path], T]) -> T | None:
    """What ``opened`` makes of a file of the cache; None where it has to be made, since it is missing or damaged.

    Raises StorageError for a damaged one in a folder that may only be read.
    """
    try:
        return opened(path)
    except FileNotFoundError:
        return None
    except DamagedError as error:
        if not os.access(path.parent, os.W_OK):
            rename_damaged(path, error.message)
        return None


def report_damaged(path: Path, why: str) -> None:
    """Set a damaged file aside that is made again at once, and say so; ``why`` as in "FILE is not whole"."""
    rename_damaged(path, why)
    current_reporter().message(f"{path} {why}: set aside as {path.name}{DAMAGED_SUFFIX} and made again")


def retry_on_damage(work: Callable[[], T]) -> T:
    """Do ``work``, and again where it finds a file of the cache damaged that it then makes anew."""
    found: set[str | None] = set()
    while True:
        try:
            return work()
        except DamagedError as error:
            if error.where in found:
                raise
            found.add(error.where)
            current_reporter().message(f"{error.line}: made again now")


def _identity(stat: os.stat_result) -> tuple[int, ...]:
    return stat.st_dev, stat.st_ino, stat.st_mtime_ns


def _read_seal(file: BinaryIO) -> ChecksumFooter | None:
    end = file.seek(0, os.SEEK_END)
    if end < _TAIL:
        return None
    file.seek(end - _TAIL)
    tail = file.read(_TAIL)
    length, checksum, magic = int.from_bytes(tail[:8], "big"), tail[8:40], tail[40:]
    if magic != _MAGIC or length > end - _TAIL:
        return None
    file.seek(end - _TAIL - length)
    text = file.read(length)
    if hashlib.sha256(text).digest() != checksum:
        return None
    try:
        return _check_seal(parse_json(text), end - _TAIL - length)
    except ValueError:
        return None


def _check_seal(plain: Any, size: int) -> ChecksumFooter:
    """The seal behind a content of ``size`` bytes; ValueError where it is of another version, or does not fit."""
    from pydantic import TypeAdapter

    seal = TypeAdapter(ChecksumFooter).validate_python(plain)
    at = 0
    for start, length in sorted(map(_as_extent, seal.extents)):
        if start < at or length < 0:
            raise ValueError("its extents lie on each other")
        at = start + length
    if seal.size != size or at > size:
        raise ValueError("it is of a file of another size")
    if [len(sums) for sums in seal.blocks] != [-(-length // _BLOCK) for _, length in seal.extents]:
        raise ValueError("it has not one checksum a block")
    return seal


def _as_extent(pair: Sequence[int]) -> Extent:
    start, size = pair
    return Extent(start, size)


def _sum_blocks(file: BinaryIO, extent: Extent) -> list[int]:
    """The CRC-32 of each block of an extent; of many blocks in several threads."""

    def sum_block(at: int) -> int:
        return zlib.crc32(os.pread(file.fileno(), min(_BLOCK, extent.start + extent.size - at), at))

    places = range(extent.start, extent.start + extent.size, _BLOCK)
    if len(places) < _MANY:
        return [sum_block(at) for at in places]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(sum_block, places))


def _sum_rest(file: BinaryIO, size: int, extents: Sequence[Extent]) -> str:
    total, at = hashlib.sha256(), 0
    for start, length in [*sorted(extents), Extent(size, 0)]:
        for part in _read(file, at, start):
            total.update(part)
        at = start + length
    return total.hexdigest()


def _read(file: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    file.seek(start)
    for at in range(start, stop, _BLOCK):
        yield file.read(min(_BLOCK, stop - at))
