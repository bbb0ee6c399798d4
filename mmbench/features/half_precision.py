"""Storage of tokens as float16: the check that little is lost, and the conversion."""

import math
from dataclasses import dataclass
from functools import reduce
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from mmbench.data import Rows, Source, to_float32
from mmbench.storage import map_in_threads

F = TypeVar("F", np.float16, np.float32)
BLOCK_SIZE = 128  # samples per block; fixed, so that results do not depend on the number of jobs
_GROUP_SIZE = 1 << 21  # values that a thread reads at once
MAX_ERROR = 2.0**-6
"""Largest rounding error of float16, relative to the standard deviation of a token or its distance from the mean."""


def fits_half(source: Source, rows: Rows, threads: int = 1, moments: "TokenMoments | None" = None) -> bool:
    """Whether the rounding errors of float16 in some rows are within `MAX_ERROR`.

    Float16 rounds a value by at most 2^-11 of itself. This also compares the error with the variation among samples,
    which is smaller where the mean is large or all values are tiny. Constant values may be rounded. ``moments`` are
    those of these rows if known, and nearly always decide.
    """
    if not len(rows):
        return True
    parts = split_parts(rows, math.prod(source.read(rows[:1])[0].shape[1:]))
    moments = moments or reduce(
        TokenMoments.join, map_in_threads(lambda part: measure(*source.read(part)), parts, threads), NO_TOKENS
    )
    if moments.surely_fits():
        return True
    known = moments
    return all(map_in_threads(lambda part: fits(*source.read(part), known), parts, threads))


def split_parts(rows: Rows, size: int) -> list[Rows]:
    """Parts of rows of ``size`` values, small enough for each thread to hold some; a part is within one block."""
    step = max(1, _GROUP_SIZE // size)
    blocks = [rows[start : start + BLOCK_SIZE] for start in range(0, len(rows), BLOCK_SIZE)]
    return [block[start : start + step] for block in blocks for start in range(0, len(block), step)]


@dataclass(frozen=True)
class TokenMoments:
    """Of tokens at each position ``(T, D)``: count, mean, sum of squared deviations, and largest error of float16."""

    count: int
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]
    error: NDArray[np.float32]

    def join(self, other: "TokenMoments") -> "TokenMoments":
        """Moments of both sets of tokens (Chan, Golub and LeVeque 1979)."""
        count = max(self.count + other.count, 1)
        with np.errstate(over="ignore", invalid="ignore"):
            step = other.mean - self.mean
            squares = self.squares + other.squares + step**2 * (self.count * other.count / count)
            mean = self.mean + step * (other.count / count)
            return TokenMoments(self.count + other.count, mean, squares, np.maximum(self.error, other.error))

    @property
    def std(self) -> NDArray[np.float64]:
        """The standard deviation; infinite where the variation is only rounding."""
        std = np.sqrt(np.maximum(self.squares, 0.0) / max(self.count, 1))
        return np.where(std <= 1e-7 * np.abs(self.mean) + 1e-12, np.inf, std)

    def surely_fits(self) -> bool:
        """Whether every error is within the bound by the standard deviation alone."""
        # NaN and infinity are never within bounds.
        return bool((np.isfinite(self.error) & (self.error <= MAX_ERROR * self.std)).all())


NO_TOKENS = TokenMoments(0, np.zeros(()), np.zeros(()), np.zeros((), np.float32))


def measure(x: NDArray[np.float32], present: NDArray[np.bool_], x16: NDArray[np.float16] | None = None) -> TokenMoments:
    """Moments of tokens ``(n, K, T, D)`` and errors of their float16 values."""
    here, rounded = _present(x, present), _present(to_float16(x) if x16 is None else x16, present)
    if not len(here):
        return NO_TOKENS
    with np.errstate(over="ignore", invalid="ignore"):
        off = here - here[0]  # sums of squares lose digits where the mean is large
        mean = off.sum(axis=0) / np.float64(len(off))
        squares = np.einsum("n...,n...->...", off, off) - len(off) * mean**2
        error = np.abs(to_float32(rounded) - here).max(axis=0)
    return TokenMoments(len(here), here[0] + mean, squares, error)


def fits(x: NDArray[np.float32], present: NDArray[np.bool_], moments: TokenMoments) -> bool:
    """Whether every error of tokens ``(n, K, T, D)`` is within the bound, by the moments of all tokens."""
    here = _present(x, present)
    mean, std = moments.mean.astype(np.float32), moments.std.astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.abs(to_float32(to_float16(here)) - here)
        allowed = np.float32(MAX_ERROR) * np.maximum(np.abs(here - mean), std)
    # NaN and infinity are never within bounds.
    return bool((np.isfinite(error) & (error <= allowed)).all())


def _present(x: NDArray[F], present: NDArray[np.bool_]) -> NDArray[F]:
    """The present tokens ``(n, T, D)``."""
    return x.reshape(-1, *x.shape[2:]) if present.all() else x[present]


def to_float16(x: NDArray[np.float32]) -> NDArray[np.float16]:
    """Convert float32 to float16, infinite where it is out of range."""
    rounded: NDArray[np.float16] = torch.from_numpy(x).half().numpy()
    return rounded
