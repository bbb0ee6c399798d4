"""Token files: joined from encoded blocks, as float16 where that saves space at little loss."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import TokenSpec
from mmbench.data import Rows, add_checksums
from mmbench.errors import DamagedError
from mmbench.features.half_precision import (
    BLOCK_SIZE,
    NO_TOKENS,
    TokenMoments,
    fits_half,
    measure,
    split_parts,
    to_float16,
)
from mmbench.storage import (
    ChecksummedFile,
    allocate_hdf5_dataset,
    check_free_space,
    map_in_threads,
    open_hdf5,
    write_footer,
    written_whole,
)

FLOAT32_BYTES = 1 << 26  # bytes up to which tokens are stored as float32


class Block(NamedTuple):
    """Samples ``start`` to ``stop`` (exclusive), whose tokens are in the temporary file ``path``."""

    start: int
    stop: int
    path: Path


def make_blocks(folder: Path, stem: str, n_rows: int) -> list[Block]:
    """Blocks of the token file ``stem``, in its folder."""
    return [
        Block(start, min(start + BLOCK_SIZE, n_rows), folder / f".{stem}.{start}.npy")
        for start in range(0, n_rows, BLOCK_SIZE)
    ]


def write_block(path: Path, x: NDArray[np.float32], made_from: Mapping[str, Any]) -> None:
    """Write the tokens ``(n, K, T, D)`` of a block."""
    with written_whole(path) as part:
        with part.open("wb") as file:
            np.save(file, x)
        write_footer(part, "block", made_from)


def is_whole_block(path: Path) -> bool:
    """Whether the file of a block exists and is intact."""
    try:
        ChecksummedFile(path)
    except (OSError, DamagedError):
        return False
    return True


class Blocks:
    """Tokens ``(N, K, T, D)`` in blocks; raises DamagedError for truncated files."""

    lengths = None

    def __init__(self, blocks: Sequence[Block], present: NDArray[np.bool_]) -> None:
        self.present = present
        self._values = {block.start // BLOCK_SIZE: map_block(block.path) for block in blocks}
        self._paths = {block.start // BLOCK_SIZE: block.path for block in blocks}

    def read(self, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Values and presence of some rows."""
        for at in sorted({int(row) // BLOCK_SIZE for row in rows}):
            if self._paths[at].stat().st_size < self._values[at].nbytes:
                raise truncated_error(self._paths[at])
        if len(rows) and rows[0] // BLOCK_SIZE == rows[-1] // BLOCK_SIZE and (np.diff(rows) == 1).all():
            first = rows[0] % BLOCK_SIZE  # a view, without a copy
            return self._values[rows[0] // BLOCK_SIZE][first : first + len(rows)], self.present[rows]
        return np.stack([self._values[row // BLOCK_SIZE][row % BLOCK_SIZE] for row in rows]), self.present[rows]


def map_block(path: Path) -> NDArray[np.float32]:
    """The tokens of a block, memory-mapped; a change of them is not written."""
    try:
        block: NDArray[np.float32] = np.load(path, mmap_mode="c")
    except (OSError, ValueError) as error:
        raise truncated_error(path) from error
    return block


def truncated_error(path: Path) -> DamagedError:
    """The error for a block that is shorter than when it was written."""
    return DamagedError("was truncated while it was in use", where=path, remedy="run the same command again")


def join_blocks(
    path: Path,
    modality: str,
    blocks: Iterable[Block],
    present: NDArray[np.bool_],
    out: TokenSpec,
    parameters: int,
    made_from: Mapping[str, Any],
    threads: int = 1,
) -> None:
    """Write the file of tokens ``(N, K, T, D)`` from its blocks, in any order.

    ``present`` is ``(N, K)``; ``parameters`` is the number of parameters of the encoder.
    """
    # Rounding changes scores in the third decimal, which saves too little in small files.
    is_large = 4 * present.size * math.prod(_shape(out)) > FLOAT32_BYTES
    with written_whole(path) as part:
        file = _TokenFile(part, modality, present, out, parameters, is_float16=is_large)
        kept, moments = [], NO_TOKENS
        for block, its_moments in map_in_threads(lambda block: (block, file.fill(block)), blocks, threads):
            kept.append(block)
            moments = moments.join(its_moments)
        if is_large and not fits_half(Blocks(kept, present), np.arange(len(present)), threads, moments):
            file = _TokenFile(part, modality, present, out, parameters, is_float16=False)
            for _ in map_in_threads(file.fill, kept, threads):
                pass
        add_checksums(part, "tokens", made_from)


class _TokenFile:
    """A token file whose rows several threads write; HDF5 itself allows only one."""

    def __init__(
        self,
        path: Path,
        modality: str,
        present: NDArray[np.bool_],
        out: TokenSpec,
        parameters: int,
        *,
        is_float16: bool,
    ) -> None:
        self.path, self.present, self.is_float16 = path, present, is_float16
        self._shape = (*present.shape, *_shape(out))
        dtype = np.dtype(np.float16 if is_float16 else np.float32)
        self._row = dtype.itemsize * math.prod(self._shape[1:])
        check_free_space(path, self._row * len(present))
        with open_hdf5(path, "w") as file:
            group = file.create_group(f"modalities/{modality}")
            group["present"] = present
            group.attrs["parameters"] = parameters
            self._offset = allocate_hdf5_dataset(group, "x", self._shape, dtype)

    def fill(self, block: Block) -> TokenMoments:
        """Write the tokens of a block."""
        source, moments = Blocks([block], self.present), NO_TOKENS
        with self.path.open("rb+") as file:
            for part in split_parts(np.arange(block.start, block.stop), math.prod(self._shape[1:])):
                x, present = source.read(part)
                file.seek(self._offset + self._row * int(part[0]))
                if self.is_float16:
                    x16 = to_float16(x)
                    file.write(x16.data)
                    moments = moments.join(measure(x, present, x16))
                else:
                    file.write(x.data)
        return moments


def _shape(out: TokenSpec) -> tuple[int, int]:
    assert out.length is not None
    return out.length, out.dim
