"""The files of an Empatica E4: a start time and a rate in the first two lines, then one row a sample."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError

REMEDY = "get this file again"
_LONGEST_LINE = 200  # characters; a line of the accelerometer's start times has 57

_LATEST = 1e11  # Unix time in seconds, some 3,000 years from now


@dataclass(frozen=True)
class Sensor:
    """A file of the wristband: ``rate`` in Hz, ``scale`` from its numbers to the unit that samples come in."""

    file: str
    rate: int
    channels: tuple[str, ...]
    scale: float = 1.0


SENSORS = {
    "bvp": Sensor("BVP.csv", 64, ("BVP",)),
    "eda": Sensor("EDA.csv", 4, ("EDA",)),
    "acc": Sensor("ACC.csv", 32, ("x", "y", "z"), 1 / 64),
    "temp": Sensor("TEMP.csv", 4, ("TEMP",)),
}


@dataclass(frozen=True)
class Recording:
    """What a sensor recorded: ``values`` ``(channels, time)`` from the Unix time ``start`` on."""

    sensor: Sensor
    start: float
    values: NDArray[np.float32]

    def cut(self, start: float, seconds: float) -> NDArray[np.float32] | None:
        """The window ``(1, channels, time)`` from a Unix time on; None unless the whole of it was recorded."""
        first = round((start - self.start) * self.sensor.rate)
        stop = first + round(seconds * self.sensor.rate)
        return self.values[None, :, first:stop] if first >= 0 and stop <= self.values.shape[1] else None


def load_recording(path: Path, sensor: Sensor) -> Recording:
    """A file in the unit of its samples; DataError names what is damaged."""
    start = read_start(path, sensor)
    try:
        values = np.loadtxt(path, np.float64, delimiter=",", skiprows=2, ndmin=2)
    except (ValueError, OverflowError) as error:
        raise DataError(f"holds no numbers ({_first_line(error)})", where=path, remedy=REMEDY) from error
    if values.shape[1] != len(sensor.channels):
        raise DataError(f"has {values.shape[1]} columns, not {len(sensor.channels)}", where=path, remedy=REMEDY)
    with np.errstate(over="ignore"):  # the host refuses what is infinite
        return Recording(sensor, start, np.ascontiguousarray(values.T * sensor.scale, np.float32))


def read_start(path: Path, sensor: Sensor) -> float:
    """The Unix time of the first sample, out of a header that is as the sensor's should be."""
    if not path.is_file():
        raise DataError("is missing", where=path, remedy="get it from the same folder of the publishers")
    try:
        with path.open(encoding="utf-8") as file:
            starts, rates, first = (_numbers(file.readline(_LONGEST_LINE)) for _ in range(3))
    except ValueError as error:
        message = f"is not a file of an Empatica E4 ({_first_line(error)})"
        raise DataError(message, where=path, remedy=REMEDY) from error
    n_channels = len(sensor.channels)
    if {len(starts), len(rates), len(first)} != {n_channels} or len(set(starts)) > 1:
        raise DataError(f"has not {n_channels} columns with one start time", where=path, remedy=REMEDY)
    if not 0 <= starts[0] < _LATEST:
        raise DataError(f"begins at {starts[0]:g}, which is no Unix time", where=path, remedy=REMEDY)
    if set(rates) != {sensor.rate}:
        raise DataError(f"has {rates[0]:g} Hz, not {sensor.rate}", where=path, remedy="use the unchanged files")
    return starts[0]


def _numbers(line: str) -> list[float]:
    values = [float(cell) for cell in line.split(",")]
    if not all(map(math.isfinite, values)):
        raise ValueError(f"{line.strip()!r} in its first lines")
    return values


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
