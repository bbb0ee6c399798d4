"""The file of tokens: joined of the blocks it was encoded in, as float16 where that saves much and changes little."""

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
BLOCK_SIZE = 128  # samples encoded and kept at a time; fixed, so that the bits do not depend on the number of jobs
_GROUP_SIZE = 1 << 21  # numbers that a thread reads at once
FLOAT32_BYTES = 1 << 26  # bytes as float32 up to which tokens stay so
MAX_ERROR = 2.0**-6
"""The largest rounding error, in standard deviations of a token at its place, or of its distance from the mean."""


class Block(NamedTuple):
    """Samples from ``start`` to before ``stop``, whose tokens are kept at ``path`` until all are there."""

    start: int
    stop: int
    path: Path


def make_blocks(folder: Path, stem: str, n_rows: int) -> list[Block]:
    """The blocks of a file of tokens ``stem``, in its folder."""
    return [
        Block(start, min(start + BLOCK_SIZE, n_rows), folder / f".{stem}.{start}.npy")
        for start in range(0, n_rows, BLOCK_SIZE)
    ]


def write_block(path: Path, x: NDArray[np.float32], made_from: Mapping[str, Any]) -> None:
    """Keep the tokens ``(n, K, T, D)`` of some samples until all are there."""
    with written_whole(path) as aside:
        with aside.open("wb") as file:
            np.save(file, x)
        write_footer(aside, "block", made_from)


def is_whole_block(path: Path) -> bool:
    """Whether the block is there as it was written."""
    try:
        ChecksummedFile(path)
    except (OSError, DamagedError):
        return False
    return True


class Blocks:
    """The tokens ``(N, K, T, D)`` of samples in blocks; DamagedError where one was cut short."""

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
            first = rows[0] % BLOCK_SIZE  # as they lie there
            return self._values[rows[0] // BLOCK_SIZE][first : first + len(rows)], self.present[rows]
        return np.stack([self._values[row // BLOCK_SIZE][row % BLOCK_SIZE] for row in rows]), self.present[rows]


def _map_block(path: Path) -> NDArray[np.float32]:
    try:
        block: NDArray[np.float32] = np.load(path, mmap_mode="c")
    except (OSError, ValueError) as error:
        raise _truncated_error(path) from error
    return block


def _truncated_error(path: Path) -> DamagedError:
    return DamagedError("was cut short while it was in use", where=path, remedy="a run makes it again")


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
    """Write the file of tokens ``(N, K, T, D)`` from its blocks, in any order, as they come.

    ``present`` is ``(N, K)``; ``parameters`` is the number of the encoder's.
    """
    # Rounding moves what is trained on a token in the third decimal: not where it saves next to nothing.
    is_large = 4 * present.size * out.length * out.dim > FLOAT32_BYTES
    with written_whole(path) as aside:
        file = _TokenFile(aside, modality, present, out, parameters, halved=is_large)
        kept, seen = [], _NO_TOKENS
        for block, its in map_in_threads(lambda block: (block, file.fill(block)), blocks, threads):
            kept.append(block)
            seen = seen.join(its)
        if is_large and not fits_half(Blocks(kept, present), np.arange(len(present)), threads, seen):
            file = _TokenFile(aside, modality, present, out, parameters, halved=False)
            for _ in map_in_threads(file.fill, kept, threads):
                pass
        add_checksums(aside, "tokens", made_from)


class _TokenFile:
    """A file of tokens that several threads fill, each other rows; HDF5 lets in one at a time."""

    def __init__(
        self, path: Path, modality: str, present: NDArray[np.bool_], out: TokenSpec, parameters: int, *, halved: bool
    ) -> None:
        self.path, self.present, self.halved = path, present, halved
        self._shape = (*present.shape, out.length, out.dim)
        dtype = np.dtype(np.float16 if halved else np.float32)
        self._row = dtype.itemsize * math.prod(self._shape[1:])
        check_free_space(path, self._row * len(present))
        with open_hdf5(path, "w") as file:
            group = file.create_group(f"modalities/{modality}")
            group["present"] = present
            group.attrs["parameters"] = parameters
            self._offset = allocate_hdf5_dataset(group, "x", self._shape, dtype)

    def fill(self, block: Block) -> "_TokenMoments":
        """Write the tokens of a block."""
        source, seen = Blocks([block], self.present), _NO_TOKENS
        with self.path.open("rb+") as file:
            for part in _parts(np.arange(block.start, block.stop), math.prod(self._shape[1:])):
                x, present = source.read(part)
                file.seek(self._offset + self._row * int(part[0]))
                if self.halved:
                    half = _halve(x)
                    file.write(half.data)
                    seen = seen.join(_measure(x, present, half))
                else:
                    file.write(x.data)
        return seen


def fits_half(source: Source, rows: Rows, threads: int = 1, seen: "_TokenMoments | None" = None) -> bool:
    """Whether float16 keeps the tokens of some rows within `MAX_ERROR`.

    Rounding changes a token by at most 2^-11 of itself in the range of float16. Asked is whether that is little beside
    how much the token varies among samples, too: it is not where the mean is large, or all values are tiny. What never
    varies may be rounded: so it stays. ``seen`` is what was seen of these tokens already, which nearly always answers.
    """
    if not len(rows):
        return True
    parts = _parts(rows, math.prod(source.read(rows[:1])[0].shape[1:]))
    seen = seen or reduce(
        _TokenMoments.join, map_in_threads(lambda part: _measure(*source.read(part)), parts, threads), _NO_TOKENS
    )
    if seen.surely_fits():
        return True
    mean, std = seen.mean.astype(np.float32), seen.std.astype(np.float32)
    return all(map_in_threads(lambda part: _fits(*source.read(part), mean, std), parts, threads))


def _parts(rows: Rows, size: int) -> list[Rows]:
    """Rows of ``size`` numbers in parts so small that each thread may hold some; a part is of one block."""
    step = max(1, _GROUP_SIZE // size)
    blocks = [rows[start : start + BLOCK_SIZE] for start in range(0, len(rows), BLOCK_SIZE)]
    return [block[start : start + step] for block in blocks for start in range(0, len(block), step)]


@dataclass(frozen=True)
class _TokenMoments:
    """Of tokens at each place ``(T, D)``: number, mean, sum of squares about it, and the largest error of a half."""

    count: int
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]
    error: NDArray[np.float32]

    def join(self, other: "_TokenMoments") -> "_TokenMoments":
        """Both together (Chan, Golub and LeVeque 1979)."""
        count = max(self.count + other.count, 1)
        with np.errstate(over="ignore", invalid="ignore"):
            step = other.mean - self.mean
            squares = self.squares + other.squares + step**2 * (self.count * other.count / count)
            mean = self.mean + step * (other.count / count)
            return _TokenMoments(self.count + other.count, mean, squares, np.maximum(self.error, other.error))

    @property
    def std(self) -> NDArray[np.float64]:
        """The standard deviation; without bound where all that varies is rounding."""
        std = np.sqrt(np.maximum(self.squares, 0.0) / max(self.count, 1))
        return np.where(std <= 1e-7 * np.abs(self.mean) + 1e-12, np.inf, std)

    def surely_fits(self) -> bool:
        """Whether no error is large beside the standard deviation, wherever the token lies."""
        # NaN is within no bound, and infinity no rounding of anything.
        return bool((np.isfinite(self.error) & (self.error <= MAX_ERROR * self.std)).all())


_NO_TOKENS = _TokenMoments(0, np.zeros(()), np.zeros(()), np.zeros((), np.float32))


def _measure(
    x: NDArray[np.float32], present: NDArray[np.bool_], half: NDArray[np.float16] | None = None
) -> _TokenMoments:
    """What is seen of tokens ``(n, K, T, D)`` and their halves."""
    here, halves = _present(x, present), _present(_halve(x) if half is None else half, present)
    if not len(here):
        return _NO_TOKENS
    with np.errstate(over="ignore", invalid="ignore"):
        off = here - here[0]  # sums of squares lose digits where the mean is large
        mean = off.sum(axis=0) / np.float64(len(off))
        squares = np.einsum("n...,n...->...", off, off) - len(off) * mean**2
        error = np.abs(to_float32(halves) - here).max(axis=0)
    return _TokenMoments(len(here), here[0] + mean, squares, error)


def _fits(
    x: NDArray[np.float32], present: NDArray[np.bool_], mean: NDArray[np.float32], std: NDArray[np.float32]
) -> bool:
    here = _present(x, present)
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.abs(to_float32(_halve(here)) - here)
        allowed = np.float32(MAX_ERROR) * np.maximum(np.abs(here - mean), std)
    # NaN is within no bound, and infinity no rounding of anything.
    return bool((np.isfinite(error) & (error <= allowed)).all())


def _present(x: NDArray[F], present: NDArray[np.bool_]) -> NDArray[F]:
    """The tokens ``(n, T, D)`` that are there."""
    return x.reshape(-1, *x.shape[2:]) if present.all() else x[present]


def _halve(x: NDArray[np.float32]) -> NDArray[np.float16]:
    half: NDArray[np.float16] = torch.from_numpy(x).half().numpy()
    return half
