"""Footer of cache files: what a file was made from and checksums of its bytes, written behind its content.

HDF5 and NumPy ignore bytes behind their content. Large arrays are cut into blocks with a CRC-32 each, which is compared
when the block is first read. All other bytes share one SHA-256, which is compared before a library opens the file.
"""

import hashlib
import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from mmbench.storage.json_toml import parse_json, type_adapter

BLOCK_SIZE = 1 << 20  # bytes
_MAGIC = b"mmbench seal 1\n\0"
_TAIL = 8 + 32 + len(_MAGIC)  # length of the footer's JSON, its SHA-256, the magic number
_THREADED = 128  # blocks from which on checksums are computed in threads


class Extent(NamedTuple):
    """A byte range of a file that is checked block by block."""

    start: int
    size: int


@dataclass(frozen=True)
class ChecksumFooter:
    """What a file was made from, the size of its content in bytes, and its checksums.

    ``blocks`` holds the CRC-32 of each block of each of the ``extents``, ``rest`` the SHA-256 of all other bytes.
    """

    kind: str
    made_from: Mapping[str, Any]
    size: int
    extents: Sequence[Sequence[int]]
    blocks: Sequence[Sequence[int]]
    rest: str

    def find(self, start: int) -> int:
        """The index of the extent that begins at byte ``start``."""
        return [extent[0] for extent in self.extents].index(start)


def write_footer(path: Path, kind: str, made_from: Mapping[str, Any], extents: Sequence[Extent] = ()) -> None:
    """Append the footer to a file whose content is complete."""
    size = path.stat().st_size
    with path.open("rb+") as file:
        blocks = [_block_checksums(file, extent) for extent in extents]
        footer = ChecksumFooter(kind, made_from, size, extents, blocks, rest_checksum(file, size, extents))
        text = json.dumps(vars(footer), separators=(",", ":")).encode()
        file.seek(size)
        file.write(text + len(text).to_bytes(8, "big") + hashlib.sha256(text).digest() + _MAGIC)


def read_footer(path: Path) -> ChecksumFooter | None:
    """The footer of a file, None if it is missing or damaged. The content of the file is not checked."""
    try:
        with path.open("rb") as file:
            return parse_footer(file)
    except OSError:
        return None


def parse_footer(file: BinaryIO) -> ChecksumFooter | None:
    """The footer of an open file, None if it is missing or damaged."""
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
        return _check_footer(parse_json(text), end - _TAIL - length)
    except ValueError:
        return None


def _check_footer(plain: Any, size: int) -> ChecksumFooter:
    """The footer of a content of ``size`` bytes; ValueError if it has another version or does not fit."""
    footer: ChecksumFooter = type_adapter(ChecksumFooter).validate_python(plain)
    at = 0
    for start, length in sorted(map(_as_extent, footer.extents)):
        if start < at or length < 0:
            raise ValueError("its extents overlap")
        at = start + length
    if footer.size != size or at > size:
        raise ValueError("it belongs to a file of another size")
    if [len(sums) for sums in footer.blocks] != [-(-length // BLOCK_SIZE) for _, length in footer.extents]:
        raise ValueError("it does not have one checksum per block")
    return footer


def _as_extent(pair: Sequence[int]) -> Extent:
    start, size = pair
    return Extent(start, size)


def _block_checksums(file: BinaryIO, extent: Extent) -> list[int]:
    """The CRC-32 of each block of an extent; of many blocks in several threads."""

    def checksum(at: int) -> int:
        return zlib.crc32(os.pread(file.fileno(), min(BLOCK_SIZE, extent.start + extent.size - at), at))

    starts = range(extent.start, extent.start + extent.size, BLOCK_SIZE)
    if len(starts) < _THREADED:
        return [checksum(at) for at in starts]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(checksum, starts))


def rest_checksum(file: BinaryIO, size: int, extents: Sequence[Extent]) -> str:
    """SHA-256 of the first ``size`` bytes without those of the extents, in hexadecimal."""
    total, at = hashlib.sha256(), 0
    for start, length in [*sorted(extents), Extent(size, 0)]:
        for piece in _read_pieces(file, at, start):
            total.update(piece)
        at = start + length
    return total.hexdigest()


def _read_pieces(file: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    file.seek(start)
    for at in range(start, stop, BLOCK_SIZE):
        yield file.read(min(BLOCK_SIZE, stop - at))
