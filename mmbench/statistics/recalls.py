"""Intervals of sums of scores of many conditions, all over the same drawn units."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.statistics.intervals import Interval, draw_units, expanded_tail, percentiles

Floats = NDArray[np.float64]


def recall_intervals(
    hits: Floats, support: Floats, weights: Floats, resamples: int = 2000, level: float = 0.95, seed: int = 0
) -> list[Interval]:
    """Weighted sums of balanced accuracies with paired intervals, a row of ``weights`` ``(M, N)`` each.

    ``hits`` ``(N, S, U, C)`` counts what is right under each of N conditions, by training seed, unit and class, of
    ``support`` ``(S, U, C)`` samples. Balanced accuracy is all that is looked at, so that a hundred conditions cost
    little; means, draws and widening are those of `score_intervals`.
    """
    n_units = support.shape[1]
    whole = _scores(hits, support, np.ones((1, n_units))) @ weights.T
    # Single precision halves the time, and is far finer than any interval.
    units = draw_units(n_units, resamples, seed).astype(np.float32)
    drawn = _scores(hits.astype(np.float32), support.astype(np.float32), units) @ weights.T
    tail = expanded_tail(n_units, level)
    return [percentiles(float(mean), draws, tail) for mean, draws in zip(whole[0], drawn.T, strict=True)]


def _scores(hits: NDArray[Any], support: NDArray[Any], units: NDArray[Any]) -> Floats:
    """Balanced accuracy ``(R, N)``, mean over seeds, with each unit as often as a row of ``units`` ``(R, U)`` says."""
    n_conditions, n_seeds, _, n_classes = hits.shape
    right = _drawn(hits, units).reshape(len(units), n_conditions, n_seeds, n_classes)
    there = _drawn(support, units).reshape(len(units), 1, n_seeds, n_classes)
    recalls = np.divide(right, there, out=np.zeros_like(right), where=there > 0)
    return np.asarray((recalls.sum(axis=3) / np.maximum((there > 0).sum(axis=3), 1)).mean(axis=2))


def _drawn(counts: NDArray[Any], units: NDArray[Any]) -> NDArray[Any]:
    """Counts ``(…, U, C)`` summed over the units of each draw, ``(R, …·C)``."""
    drawn: NDArray[Any] = units @ np.moveaxis(counts, -2, 0).reshape(counts.shape[-2], -1)
    return drawn


def count_hits(
    labels: NDArray[np.int64], right: NDArray[np.floating], unit: NDArray[np.int64], shape: Sequence[int]
) -> Floats:
    """How much was right ``(n,)``, by unit and class: ``(U, C)`` for the ``shape`` of that."""
    flat = np.bincount(unit * shape[1] + labels, weights=right, minlength=shape[0] * shape[1])
    return flat.reshape(tuple(shape)).astype(np.float64)
