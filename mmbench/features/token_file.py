"""Token files: joined from encoded blocks, as float16 where that saves space at little loss."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from mmbench.contract import TokenSpec
from mmbench.data import Rows, Source, add_checksums, to_float32
from mmbench.errors import DamagedError
from mmbench.storage import (
    ChecksummedFile,
    allocate_hdf5_dataset,
    check_free_space,
    map_in_threads,
    open_hdf5,
    write_footer,
    written_whole,
)

F = TypeVar("F", np.float16, np.float32)
BLOCK_SIZE = 128  # samples per block; fixed, so that results do not depend on the number of jobs
_GROUP_SIZE = 1 << 21  # values that a thread reads at once
FLOAT32_BYTES = 1 << 26  # bytes up to which tokens are stored as float32
MAX_ERROR = 2.0**-6
"""Largest rounding error of float16, relative to the standard deviation of a token or its distance from the mean."""


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
        self._values = {block.start // BLOCK_SIZE: _map_block(block.path) for block in blocks}
        self._paths = {block.start // BLOCK_SIZE: block.path for block in blocks}

    def read(self, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Values and presence of some rows."""
        for at in sorted({int(row) // BLOCK_SIZE for row in rows}):
            if self._paths[at].stat().st_size < self._values[at].nbytes:
                raise _truncated_error(self._paths[at])
        if len(rows) and rows[0] // BLOCK_SIZE == rows[-1] // BLOCK_SIZE and (np.diff(rows) == 1).all():
            first = rows[0] % BLOCK_SIZE  # a view, without a copy
            return self._values[rows[0] // BLOCK_SIZE][first : first + len(rows)], self.present[rows]
        return np.stack([self._values[row // BLOCK_SIZE][row % BLOCK_SIZE] for row in rows]), self.present[rows]


def _map_block(path: Path) -> NDArray[np.float32]:
    try:
        block: NDArray[np.float32] = np.load(path, mmap_mode="c")
    except (OSError, ValueError) as error:
        raise _truncated_error(path) from error
    return block


def _truncated_error(path: Path) -> DamagedError:
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
    is_large = 4 * present.size * out.length * out.dim > FLOAT32_BYTES
    with written_whole(path) as part:
        file = _TokenFile(part, modality, present, out, parameters, is_float16=is_large)
        kept, moments = [], _NO_TOKENS
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
        self._shape = (*present.shape, out.length, out.dim)
        dtype = np.dtype(np.float16 if is_float16 else np.float32)
        self._row = dtype.itemsize * math.prod(self._shape[1:])
        check_free_space(path, self._row * len(present))
        with open_hdf5(path, "w") as file:
            group = file.create_group(f"modalities/{modality}")
            group["present"] = present
            group.attrs["parameters"] = parameters
            self._offset = allocate_hdf5_dataset(group, "x", self._shape, dtype)

    def fill(self, block: Block) -> "_TokenMoments":
        """Write the tokens of a block."""
        source, moments = Blocks([block], self.present), _NO_TOKENS
        with self.path.open("rb+") as file:
            for part in _parts(np.arange(block.start, block.stop), math.prod(self._shape[1:])):
                x, present = source.read(part)
                file.seek(self._offset + self._row * int(part[0]))
                if self.is_float16:
                    x16 = _to_float16(x)
                    file.write(x16.data)
                    moments = moments.join(_measure(x, present, x16))
                else:
                    file.write(x.data)
        return moments


def fits_half(source: Source, rows: Rows, threads: int = 1, moments: "_TokenMoments | None" = None) -> bool:
    """Whether the rounding errors of float16 in some rows are within `MAX_ERROR`.

    Float16 rounds a value by at most 2^-11 of itself. This also compares the error with the variation among samples,
    which is smaller where the mean is large or all values are tiny. Constant values may be rounded. ``moments`` are
    those of these rows if known, and nearly always decide.
    """
    if not len(rows):
        return True
    parts = _parts(rows, math.prod(source.read(rows[:1])[0].shape[1:]))
    moments = moments or reduce(
        _TokenMoments.join, map_in_threads(lambda part: _measure(*source.read(part)), parts, threads), _NO_TOKENS
    )
    if moments.surely_fits():
        return True
    mean, std = moments.mean.astype(np.float32), moments.std.astype(np.float32)
    return all(map_in_threads(lambda part: _fits(*source.read(part), mean, std), parts, threads))


def _parts(rows: Rows, size: int) -> list[Rows]:
    """Parts of rows of ``size`` values, small enough for each thread to hold some; a part is within one block."""
    step = max(1, _GROUP_SIZE // size)
    blocks = [rows[start : start + BLOCK_SIZE] for start in range(0, len(rows), BLOCK_SIZE)]
    return [block[start : start + step] for block in blocks for start in range(0, len(block), step)]


@dataclass(frozen=True)
class _TokenMoments:
    """Of tokens at each position ``(T, D)``: count, mean, sum of squared deviations, and largest error of float16."""

    count: int
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]
    error: NDArray[np.float32]

    def join(self, other: "_TokenMoments") -> "_TokenMoments":
        """Moments of both sets of tokens (Chan, Golub and LeVeque 1979)."""
        count = max(self.count + other.count, 1)
        with np.errstate(over="ignore", invalid="ignore"):
            step = other.mean - self.mean
            squares = self.squares + other.squares + step**2 * (self.count * other.count / count)
            mean = self.mean + step * (other.count / count)
            return _TokenMoments(self.count + other.count, mean, squares, np.maximum(self.error, other.error))

    @property
    def std(self) -> NDArray[np.float64]:
        """The standard deviation; infinite where the variation is only rounding."""
        std = np.sqrt(np.maximum(self.squares, 0.0) / max(self.count, 1))
        return np.where(std <= 1e-7 * np.abs(self.mean) + 1e-12, np.inf, std)

    def surely_fits(self) -> bool:
        """Whether every error is within the bound by the standard deviation alone."""
        # NaN and infinity are never within bounds.
        return bool((np.isfinite(self.error) & (self.error <= MAX_ERROR * self.std)).all())


_NO_TOKENS = _TokenMoments(0, np.zeros(()), np.zeros(()), np.zeros((), np.float32))


def _measure(
    x: NDArray[np.float32], present: NDArray[np.bool_], x16: NDArray[np.float16] | None = None
) -> _TokenMoments:
    """Moments of tokens ``(n, K, T, D)`` and errors of their float16 values."""
    here, rounded = _present(x, present), _present(_to_float16(x) if x16 is None else x16, present)
    if not len(here):
        return _NO_TOKENS
    with np.errstate(over="ignore", invalid="ignore"):
        off = here - here[0]  # sums of squares lose digits where the mean is large
        mean = off.sum(axis=0) / np.float64(len(off))
        squares = np.einsum("n...,n...->...", off, off) - len(off) * mean**2
        error = np.abs(to_float32(rounded) - here).max(axis=0)
    return _TokenMoments(len(here), here[0] + mean, squares, error)


def _fits(
    x: NDArray[np.float32], present: NDArray[np.bool_], mean: NDArray[np.float32], std: NDArray[np.float32]
) -> bool:
    here = _present(x, present)
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.abs(to_float32(_to_float16(here)) - here)
        allowed = np.float32(MAX_ERROR) * np.maximum(np.abs(here - mean), std)
    # NaN and infinity are never within bounds.
    return bool((np.isfinite(error) & (error <= allowed)).all())


def _present(x: NDArray[F], present: NDArray[np.bool_]) -> NDArray[F]:
    """The present tokens ``(n, T, D)``."""
    return x.reshape(-1, *x.shape[2:]) if present.all() else x[present]


def _to_float16(x: NDArray[np.float32]) -> NDArray[np.float16]:
    rounded: NDArray[np.float16] = torch.from_numpy(x).half().numpy()
    return rounded
