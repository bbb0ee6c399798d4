"""Reads the recording of a sensor from its CSV file and cuts windows from it."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError
from mmbench_datasets.stress_predict.sensors import REMEDY, Sensor, is_blank, read_start, shorten, split_lines


@dataclass(frozen=True)
class Recording:
    """``values`` ``(channels, time)`` of a sensor from the Unix time ``start``, NaN if nothing was recorded."""

    sensor: Sensor
    start: float
    values: NDArray[np.float32]

    def cut(self, start: float, seconds: float) -> NDArray[np.float32] | None:
        """The window ``(1, channels, time)`` from the Unix time ``start``; None unless it was recorded completely."""
        first = round((start - self.start) * self.sensor.rate)
        stop = first + round(seconds * self.sensor.rate)
        window = self.values[None, :, max(first, 0) : stop]
        is_complete = first >= 0 and stop <= self.values.shape[1] and not np.isnan(window).any()
        return window if is_complete else None


def load_recording(path: Path, sensor: Sensor) -> Recording:
    """The recording in a file, in the unit of the samples; raises DataError if the file is damaged.

    Each row is one time step; a row that is empty or has an empty cell is a step at which nothing was recorded.
    """
    start = read_start(path, sensor)
    try:
        lines = split_lines(path.read_bytes())[2:]
    except ValueError as error:
        raise DataError(f"is not a text file ({shorten(error)})", where=path, remedy=REMEDY) from error
    values = _parse(path, lines, len(sensor.channels))
    if np.isnan(values).all():
        raise DataError("holds no samples, only empty rows", where=path, remedy=REMEDY)
    if sensor.may_be_constant and (still := _find_still(sensor, values)):
        raise DataError(f"never changes ({', '.join(still)}), as of a broken sensor", where=path, remedy=REMEDY)
    with np.errstate(over="ignore"):  # the host refuses infinite values
        return Recording(sensor, start, np.ascontiguousarray(values.T * sensor.scale, np.float32))


def _find_still(sensor: Sensor, values: NDArray[np.float64]) -> list[str]:
    """The channels of which all of two or more recorded values ``(time, channels)`` are equal."""
    recorded = {name: column[~np.isnan(column)] for name, column in zip(sensor.channels, values.T, strict=True)}
    return [name for name, column in recorded.items() if len(column) > 1 and np.ptp(column) == 0]


def _parse(path: Path, lines: list[str], n_channels: int) -> NDArray[np.float64]:
    """Samples (time, channels), by numpy if every cell holds a number: 20 times as fast as row by row."""
    while lines and is_blank(lines[-1]):
        lines.pop()
    with suppress(ValueError, OverflowError):
        values = np.loadtxt(lines, np.float64, delimiter=",", ndmin=2, comments=None) if lines else np.empty((0, 0))
        if values.shape == (len(lines), n_channels):  # numpy skips empty rows
            return values
    rows = [*_parse_rows(path, lines, n_channels)]
    return np.array(rows, np.float64).reshape(-1, n_channels)


def _parse_rows(path: Path, lines: Sequence[str], n_channels: int) -> Iterator[list[float]]:
    nothing = [np.nan] * n_channels
    for number, line in enumerate(lines, start=3):
        cells = line.split(",")
        if is_blank(line):
            yield nothing
        elif len(cells) != n_channels:
            raise DataError(f"line {number} has {len(cells)} columns, not {n_channels}", where=path, remedy=REMEDY)
        else:
            yield _parse_row(path, number, cells)


def _parse_row(path: Path, number: int, cells: Sequence[str]) -> list[float]:
    try:
        if odd := [cell for cell in cells if "_" in cell]:  # Python reads 1_0 as ten
            raise ValueError(f"could not convert string to float: {odd[0]!r}")
        return [float(cell) if cell.strip() else np.nan for cell in cells]
    except ValueError as error:
        raise DataError(f"line {number} is not numeric ({shorten(error)})", where=path, remedy=REMEDY) from error
