"""The file of tokens: joined of the blocks it was encoded in, as float16 where that saves much and changes little."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mmbench.errors import DamagedError
from mmbench.files import check_room, written_whole
from mmbench.inputs import chunks, find_moments
from mmbench.seals import Sealed, write_seal
from mmbench.store import Rows, Source, finish

BLOCK = 128  # samples encoded and kept at a time; fixed, so that the bits do not depend on the number of jobs
SMALL = 1 << 26  # bytes as float32 up to which tokens stay so
BOUND = 2.0**-6
"""The largest rounding error, in standard deviations of a token at its place, or of its distance from the mean."""


def write_block(path: Path, x: NDArray[np.float32], made_from: Mapping[str, Any]) -> None:
    """Keep the tokens ``(n, K, T, D)`` of some samples until all are there."""
    with written_whole(path) as aside:
        with aside.open("wb") as file:
            np.save(file, x)
        write_seal(aside, "block", made_from)


def is_whole_block(path: Path) -> bool:
    """Whether the block is there as it was written."""
    try:
        Sealed(path)
    except (OSError, DamagedError):
        return False
    return True


class Blocks:
    """The tokens ``(N, K, T, D)`` of all samples, in blocks of 128; DamagedError where one was cut short."""

    def __init__(self, paths: Sequence[Path], present: NDArray[np.bool_]) -> None:
        self.present = present
        self._paths = paths
        self._blocks = [_map_block(path) for path in paths]

    def read(self, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Values and presence of some rows."""
        for at in sorted({int(row) // BLOCK for row in rows}):
            if self._paths[at].stat().st_size < self._blocks[at].nbytes:
                raise _cut_short(self._paths[at])
        return np.stack([self._blocks[row // BLOCK][row % BLOCK] for row in rows]), self.present[rows]


def _map_block(path: Path) -> NDArray[np.float32]:
    try:
        block: NDArray[np.float32] = np.load(path, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise _cut_short(path) from error
    return block


def _cut_short(path: Path) -> DamagedError:
    return DamagedError("was cut short while it was in use", where=path, remedy="a run makes it again")


def join_blocks(
    path: Path, modality: str, source: Blocks, shape: Sequence[int], parameters: int, made_from: Mapping[str, Any]
) -> None:
    """Write the file of tokens of ``shape`` from its blocks; ``parameters`` is the number of the encoder's."""
    rows = np.arange(shape[0])
    # Rounding moves what is trained on a token in the third decimal: not where it saves next to nothing.
    is_large = 4 * math.prod(shape) > SMALL
    dtype = np.float16 if is_large and fits_half(source, rows) else np.float32
    check_room(path, np.dtype(dtype).itemsize * math.prod(shape))
    with written_whole(path) as aside:
        with h5py.File(aside, "w") as file:
            group = file.create_group(f"modalities/{modality}")
            x = group.create_dataset("x", shape=tuple(shape), dtype=dtype)
            for part in chunks(rows, 4 * math.prod(shape[1:])):
                x[part[0] : part[-1] + 1] = source.read(part)[0].astype(dtype)
            group["present"] = source.present
            group.attrs["parameters"] = parameters
        finish(aside, "tokens", made_from)


def fits_half(source: Source, rows: Rows) -> bool:
    """Whether float16 keeps the tokens of some rows within `BOUND`.

    Rounding changes a token by at most 2^-11 of itself in the range of float16. Asked is whether that is little beside
    how much the token varies among samples, too: it is not where the mean is large, or all values are tiny. What never
    varies may be rounded: so it stays.
    """
    if not len(rows):
        return True
    mean, std = find_moments(source, rows, over_time=False)
    size = 4 * math.prod(source.read(rows[:1])[0].shape[1:])
    return all(_fit(*source.read(part), mean, std) for part in chunks(rows, size))


def _fit(
    x: NDArray[np.float32], present: NDArray[np.bool_], mean: NDArray[np.float64], std: NDArray[np.float64]
) -> bool:
    here = x[present]
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.abs(here.astype(np.float16).astype(np.float32) - here)
        allowed = BOUND * np.maximum(np.abs(here - mean.astype(np.float32)), np.where(std > 0, std, np.inf))
    # NaN is within no bound, and infinity no rounding of anything.
    return bool((np.isfinite(error) & (error <= allowed)).all())
