"""Sensors of an Empatica E4, and the check of their CSV files: start time, rate, then one row per sample."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import median_low

from mmbench import DataError, check_content

REMEDY = "get this file again"
_LONGEST_LINE = 200  # characters; a line of the accelerometer's start times has 57

LATEST = 1e11
"""Upper limit of Unix times in seconds; times in milliseconds exceed it."""

APART_S = 600.0
"""Largest difference between the start times of a person's four files; beyond, one is of another recording."""


@dataclass(frozen=True)
class Sensor:
    """A file of the wristband: ``rate`` in Hz, ``scale`` converts its numbers to the unit of the samples.

    ``may_be_constant`` where a window of one value is no damage: of a wrist that lies still, or of a temperature, which
    is written in steps of .02 °C.
    """

    file: str
    rate: int
    channels: tuple[str, ...]
    scale: float = 1.0
    may_be_constant: bool = False


SENSORS = {
    "bvp": Sensor("BVP.csv", 64, ("BVP",)),
    "eda": Sensor("EDA.csv", 4, ("EDA",)),
    "acc": Sensor("ACC.csv", 32, ("x", "y", "z"), 1 / 64, may_be_constant=True),
    "temp": Sensor("TEMP.csv", 4, ("TEMP",), may_be_constant=True),
}

HEART_RATE = Sensor("HR.csv", 1, ("HR",))
"""Beats per minute, which the wristband computes from BVP; some folders do not have the file."""


def read_start(path: Path, sensor: Sensor) -> float:
    """Unix time of the first sample; raises DataError unless the header is that of the sensor."""
    if not path.exists() and not path.is_symlink():
        raise DataError("is missing", where=path, remedy="get it from the publishers' folder")
    check_content(path)
    try:
        with path.open("rb") as file:
            lines = split_lines(file.read(3 * _LONGEST_LINE))
        if len(lines) < 3 or (len(lines) == 3 and is_blank(lines[2])):
            raise ValueError("it has no samples")
        starts, rates, first = (_numbers(line) for line in (*lines[:2], lines[1] if is_blank(lines[2]) else lines[2]))
    except ValueError as error:
        message = f"is not a file of an Empatica E4 ({shorten(error)})"
        raise DataError(message, where=path, remedy=REMEDY) from error
    n_channels = len(sensor.channels)
    if {len(starts), len(rates), len(first)} != {n_channels} or len(set(starts)) > 1:
        columns = "one column" if n_channels == 1 else f"{n_channels} columns"
        raise DataError(f"does not have {columns} with one start time", where=path, remedy=REMEDY)
    _check_start(path, lines[0].split(",")[0].strip(), starts[0])
    if set(rates) != {sensor.rate}:
        message = f"has {', '.join(f'{rate:g}' for rate in dict.fromkeys(rates))} Hz, not {sensor.rate}"
        raise DataError(message, where=path, remedy="use the unchanged files")
    return starts[0]


def _check_start(path: Path, text: str, start: float) -> None:
    """Raise DataError unless a start time is a Unix time, written to the second."""
    if not 0 <= start < LATEST:
        raise DataError(f"begins at {start:g}, which is not a Unix time in seconds", where=path, remedy=REMEDY)
    if (exact := find_resolution(text)) > 1:
        message = f"begins at {text}, which is exact only to {exact:g} s, as spreadsheets save long numbers"
        raise DataError(message, where=path, remedy=REMEDY)


def find_resolution(text: str) -> float:
    """Unit of the last written digit of a finite number: 0.1 for ``2.5``, 10,000 for ``1.64423E+09``."""
    exponent = Decimal(text).as_tuple().exponent
    return 10.0**exponent if isinstance(exponent, int) else math.nan


def check_together(starts: Mapping[Path, float]) -> None:
    """Raise DataError for a file whose start time differs from those of the same person's other files."""
    usual = median_low(starts.values())
    path, start = max(starts.items(), key=lambda item: abs(item[1] - usual))
    if (apart := abs(start - usual)) > APART_S:
        other = next(path.name for path, start in starts.items() if start == usual)
        way = "before" if start < usual else "after"
        message = f"begins {apart:.0f} s ({apart / 86400:.1f} days) {way} {other} of the same person"
        raise DataError(message, where=path, remedy="get the four files of this person again")


def split_lines(content: bytes) -> list[str]:
    r"""The lines of a CSV file; raises ValueError if it is not UTF-8.

    ``\r\r\n``, a Windows line end converted twice, is one line end.
    """
    text = content.decode("utf-8-sig")
    return text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def is_blank(line: str) -> bool:
    """Whether all cells of a row are empty."""
    return not line.strip(" \t\r\n,")


def _numbers(line: str) -> list[float]:
    values = [float(cell) for cell in line.split(",")]
    if not all(map(math.isfinite, values)):
        raise ValueError(f"{line.strip()!r} in its first lines")
    return values


def shorten(error: Exception) -> str:
    """The message of an error as one line of at most 120 characters."""
    return " ".join(str(error).split())[:120]
