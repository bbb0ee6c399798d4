"""What a sensor recorded, out of its file, and windows of it."""

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
    """What a sensor recorded: ``values`` ``(channels, time)`` from the Unix time ``start`` on, NaN where it did not."""

    sensor: Sensor
    start: float
    values: NDArray[np.float32]

    def cut(self, start: float, seconds: float) -> NDArray[np.float32] | None:
        """The window ``(1, channels, time)`` from a Unix time on; None unless the whole of it was recorded."""
        first = round((start - self.start) * self.sensor.rate)
        stop = first + round(seconds * self.sensor.rate)
        window = self.values[None, :, max(first, 0) : stop]
        is_whole = first >= 0 and stop <= self.values.shape[1] and not np.isnan(window).any()
        return window if is_whole else None


def load_recording(path: Path, sensor: Sensor) -> Recording:
    """A file in the unit of its samples; DataError names what is damaged.

    A row is a place in time: one that is empty, or has an empty cell, is a moment at which nothing was recorded.
    """
    start = read_start(path, sensor)
    try:
        lines = split_lines(path.read_bytes())[2:]
    except ValueError as error:
        raise DataError(f"is no text ({shorten(error)})", where=path, remedy=REMEDY) from error
    values = _parse(path, lines, len(sensor.channels))
    if np.isnan(values).all():
        raise DataError("holds no samples, only empty rows", where=path, remedy=REMEDY)
    with np.errstate(over="ignore"):  # the host refuses what is infinite
        return Recording(sensor, start, np.ascontiguousarray(values.T * sensor.scale, np.float32))


def _parse(path: Path, lines: list[str], n_channels: int) -> NDArray[np.float64]:
    """Samples (time, channels); numpy is twenty times faster than this module where there is a number in each cell."""
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
        raise DataError(f"line {number} holds no numbers ({shorten(error)})", where=path, remedy=REMEDY) from error
