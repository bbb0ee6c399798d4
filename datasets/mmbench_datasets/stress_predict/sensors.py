"""The sensors of an Empatica E4, and the first lines of their files: a start time, a rate, then one row a sample."""

import math
from dataclasses import dataclass
from pathlib import Path

from mmbench import DataError, check_content

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


def read_start(path: Path, sensor: Sensor) -> float:
    """The Unix time of the first sample, out of a header that is as the sensor's should be."""
    if not path.exists() and not path.is_symlink():
        raise DataError("is missing", where=path, remedy="get it from the same folder of the publishers")
    check_content(path)
    try:
        with path.open(encoding="utf-8") as file:
            starts, rates, first = (_numbers(file.readline(_LONGEST_LINE)) for _ in range(3))
    except ValueError as error:
        message = f"is not a file of an Empatica E4 ({shorten(error)})"
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


def shorten(error: Exception) -> str:
    """The message of an error as one line of at most 120 characters."""
    return " ".join(str(error).split())[:120]
