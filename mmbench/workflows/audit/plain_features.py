"""Plain features of texts, audio, videos, tables and time series of open length, computed from the stored data."""

import re
import zlib
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Kind, Modality
from mmbench.data import Source, find_row_size, split_rows

Index = NDArray[np.int64]
Features = NDArray[np.float32]

SIDE = 8
"""Rows and columns of the cells that images and frames are reduced to."""
FEATURES: Mapping[Kind, str] = {
    "timeseries": "statistics",
    "audio": "octaves",
    "video": f"pixels[side={SIDE}]",
    "text": "words",
    "table": "columns",
}
"""Names of the features, by kind of modality."""

_BUCKETS = 256  # of hashed words
_OCTAVES = 6
_LEAST_POWER = 1e-20
_STATISTICS = 5


def measure_features(source: Source, modality: Modality, rows: Index) -> Features:
    """Features ``(n, D)`` of some rows, averaged over the present instances of a bag; NaN where it is missing."""
    parts = [_measure(source, modality, part) for part in split_rows(rows, find_row_size(source, rows))]
    return np.concatenate(parts)


def name_columns(modality: Modality, width: int) -> Iterator[tuple[str, Index]]:
    """The columns of each channel or column of a table, by name; of texts and videos none."""
    if modality.kind == "table":
        start = 0
        for column in modality.columns:
            stop = start + max(len(column.levels), 1) + 1
            yield column.name, np.arange(start, stop)
            start = stop
    elif modality.kind in ("timeseries", "audio"):
        n_channels = modality.shape[0] or 1
        each = (width - 1) // n_channels
        names = modality.channels or tuple(f"{at}" for at in range(n_channels))
        yield from ((name, np.arange(at * each, (at + 1) * each)) for at, name in enumerate(names))


def _measure(source: Source, modality: Modality, rows: Index) -> Features:
    x, present = source.read(rows)
    lengths = None if source.lengths is None else source.lengths[rows]
    found: list[Features | None] = []
    for at in range(len(rows)):
        own = [
            _FEATURES[modality.kind](
                _without_padding(x[at, k], modality, None if lengths is None else lengths[at, k]), modality
            )
            for k in np.flatnonzero(present[at])
        ]
        found.append(np.mean(own, axis=0).astype(np.float32) if own else None)
    width = _width(modality)
    return np.stack([np.full(width, np.nan, dtype=np.float32) if each is None else each for each in found])


def _without_padding(x: NDArray[Any], modality: Modality, length: int | None) -> NDArray[Any]:
    if length is None:
        return x
    return x[:length] if modality.kind in ("text", "video") else x[..., :length]


def _width(modality: Modality) -> int:
    if modality.kind == "table":
        return sum(max(len(column.levels), 1) + 1 for column in modality.columns)
    n_channels = modality.shape[0] or 1 if modality.shape else 1
    return {
        "timeseries": n_channels * _STATISTICS + 1,
        "audio": n_channels * (_OCTAVES + 1) + 1,
        "video": SIDE * SIDE + 4,
        "text": _BUCKETS + 1,
    }[modality.kind]


def _statistics(x: NDArray[Any], _: Modality) -> NDArray[np.float64]:
    """Mean, deviation, range and mean step of each channel, and the logarithm of the length."""
    x = x.astype(np.float64)
    step = np.abs(np.diff(x, axis=1)).mean(axis=1) if x.shape[1] > 1 else np.zeros(len(x))
    each = [x.mean(axis=1), x.std(axis=1), x.min(axis=1), x.max(axis=1), step]
    return np.append(np.stack(each, axis=1).ravel(), np.log(x.shape[1]))


def _octaves(x: NDArray[Any], _: Modality) -> NDArray[np.float64]:
    """Mean and log power in octaves below half the rate of each channel, and the logarithm of the length."""
    x = x.astype(np.float64)
    mean = x.mean(axis=1, keepdims=True)
    power = np.abs(np.fft.rfft(x - mean, axis=1)) ** 2 / x.shape[1] ** 2
    edges = [0, *(round(power.shape[1] * 2.0 ** (at - _OCTAVES + 1)) for at in range(_OCTAVES))]
    bands = [power[:, low:high].sum(axis=1) for low, high in pairwise(edges)]
    logs = np.log(np.maximum(np.stack(bands, axis=1), _LEAST_POWER))
    return np.append(np.concatenate([mean, logs], axis=1).ravel(), np.log(x.shape[1]))


def _pixels(x: NDArray[Any], _: Modality) -> NDArray[np.float64]:
    """Mean brightness of the cells, and means of the colours, of all frames; the logarithm of their number."""
    grey = x.mean(axis=(0, 1))
    rows, columns = (np.array_split(np.arange(length), SIDE) for length in grey.shape)
    cells = [
        grey[np.ix_(some, others)].mean() if len(some) and len(others) else 0.0 for some in rows for others in columns
    ]
    return np.concatenate([cells, x.mean(axis=(0, 2, 3)), [np.log(len(x))]])


def _words(x: NDArray[Any], _: Modality) -> NDArray[np.float64]:
    """Logarithms of the counts of words by hash, and of the length in bytes."""
    counts = np.zeros(_BUCKETS)
    for word in re.findall(r"\w+", x.tobytes().decode("utf-8", "replace").lower()):
        counts[zlib.crc32(word.encode()) % _BUCKETS] += 1
    return np.append(np.log1p(counts), np.log(len(x)))


def _columns(x: NDArray[Any], modality: Modality) -> NDArray[np.float64]:
    """Numbers, 0 where missing, one column for each level, and for each column whether its value is missing."""
    parts = []
    for value, column in zip(x.astype(np.float64), modality.columns, strict=True):
        missing = np.isnan(value)
        if column.levels:
            parts.append(np.arange(len(column.levels)) == value)
        else:
            parts.append(np.array([0.0 if missing else value]))
        parts.append(np.array([missing]))
    return np.concatenate(parts).astype(np.float64)


_FEATURES = {"timeseries": _statistics, "audio": _octaves, "video": _pixels, "text": _words, "table": _columns}
