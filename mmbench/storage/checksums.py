"""Cache files whose bytes are compared with their checksums when they are read."""

import mmap
import os
import zlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from mmbench.errors import DamagedError
from mmbench.storage.checksum_footer import BLOCK_SIZE, Extent, parse_footer, rest_checksum
from mmbench.storage.damage import REMEDY, file_identity, rename_damaged, stat_identity

_CHANGED = "its bytes changed after it was written"
_TRUNCATED = "it was truncated while it was open"


class CheckedExtent:
    """One extent of a file whose blocks are compared with their checksums when they are first read.

    The file is memory-mapped, and reading a mapped page that the file no longer has kills the process: the length of
    the file is checked before each read.
    """

    def __init__(self, file: "ChecksummedFile", extent: Extent, sums: Sequence[int]) -> None:
        self.path, self._sums, self._opened = file.path, sums, file.identity
        self._map, self._stop = file.map, extent.start + extent.size
        self._data = np.frombuffer(self._map, dtype=np.uint8)[extent.start : self._stop]
        self._unchecked = set(range(len(sums)))

    def check(self, spans: Iterator[tuple[int, int]]) -> None:
        """Check the blocks that ``spans`` of bytes touch; DamagedError if one differs, and the file is renamed."""
        if self._map.size() < self._stop:
            raise rename_damaged(self.path, _TRUNCATED, self._current_identity())
        if not self._unchecked:
            return
        touched = {block for start, stop in spans for block in range(start // BLOCK_SIZE, -(-stop // BLOCK_SIZE))}
        for block in sorted(touched & self._unchecked):
            if zlib.crc32(self._data[block * BLOCK_SIZE : (block + 1) * BLOCK_SIZE].data) != self._sums[block]:
                raise rename_damaged(self.path, _CHANGED, self._opened)
            self._unchecked.discard(block)

    def _current_identity(self) -> tuple[int, ...]:
        """The current identity of the file, which truncation changed, if it is still the file that was opened."""
        now = file_identity(self.path) if self.path.exists() else ()
        return now if now[:2] == self._opened[:2] else self._opened


class ChecksummedFile:
    """A cache file whose footer, size and bytes outside of the extents were checked on opening.

    Raises DamagedError if they are not as they were written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            self.identity = stat_identity(os.fstat(file.fileno()))
            footer = parse_footer(file)
            if footer is None:
                raise DamagedError("it is incomplete or has another version", where=path, remedy=REMEDY)
            self.footer = footer
            if rest_checksum(file, footer.size, [Extent(*extent) for extent in footer.extents]) != footer.rest:
                raise DamagedError(_CHANGED, where=path, remedy=REMEDY)

    def checked(self, start: int) -> CheckedExtent:
        """The extent that begins at byte ``start``."""
        at = self.footer.find(start)
        return CheckedExtent(self, Extent(start, self.footer.extents[at][1]), self.footer.blocks[at])

    @cached_property
    def map(self) -> mmap.mmap:
        """The file, memory-mapped."""
        with self.path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def check_all(self) -> None:
        """Check every block; DamagedError if one differs, and the file is renamed."""
        for start, size in self.footer.extents:
            self.checked(start).check(iter([(0, size)]))
