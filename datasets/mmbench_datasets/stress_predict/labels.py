"""The publishers' table of labels, one a second, as phases."""

import csv
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError, check_content
from mmbench_datasets.stress_predict.phases import Phase
from mmbench_datasets.stress_predict.sensors import LATEST, find_resolution, is_blank

PERSON, TIME, LABEL = "Participant", "Time(sec)", "Label"
MOST = 999  # participants: a damaged table could name one in each row
REMEDY = "get this file again"
_EXACT = 2**53  # below this, a float holds every whole number


def load_phases(path: Path) -> Mapping[str, tuple[Phase, ...]]:
    """The phases of everyone with labels, in order of time, by unit: ``s02``, ``s03``, ...

    A phase ends where the class changes and where seconds are missing. Raises DataError for anything but the
    publishers' columns, whole numbers, 0 and 1 as labels and seconds that increase.
    """
    check_content(path)
    stat = path.stat()
    return _load(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=2)  # asked for each unit, and parsing the 112,516 rows takes a tenth of a second
def _load(path: Path, changed: int, size: int) -> Mapping[str, tuple[Phase, ...]]:
    rows = _rows(path)
    if not rows.size or not np.isin(rows[:, 0], range(MOST + 1)).all() or not np.isin(rows[:, 2], (0, 1)).all():
        message = f"has no rows, a participant outside 0-{MOST} or a label that is not 0 or 1"
        raise DataError(message, where=path, remedy=REMEDY)
    people = {f"s{number:02d}": rows[rows[:, 0] == number, 1:] for number in np.unique(rows[:, 0]).tolist()}
    for unit, mine in people.items():
        _check_seconds(path, unit, mine[:, 0])
    return {unit: _phases(mine) for unit, mine in people.items()}


def _check_seconds(path: Path, unit: str, seconds: NDArray[np.int64]) -> None:
    """Raise DataError unless the times of a person are Unix times of one second after the other, but for gaps."""
    if outside := seconds[(seconds < 0) | (seconds >= LATEST)].tolist():
        raise DataError(f"{outside[0]} of {unit} is no Unix time in seconds", where=path, remedy=REMEDY)
    steps = np.diff(seconds)
    if back := np.flatnonzero(steps <= 0).tolist():
        before, after = seconds[back[0]], seconds[back[0] + 1]
        message = f"the seconds of {unit} do not increase: {after} comes after {before}"
        raise DataError(message, where=path, remedy=REMEDY)
    if len(steps) and (usual := int(np.median(steps))) != 1:
        message = f"most rows of {unit} are {usual} s apart, not one: a window cannot know the labels in between"
        raise DataError(message, where=path, remedy=REMEDY)


def _rows(path: Path) -> NDArray[np.int64]:
    """Participant, Unix time and label of each row."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader([file.readline(1000)]), [])
            columns = [header.index(name) for name in (PERSON, TIME, LABEL)]
            lines = [line for line in file if not is_blank(line)]
        # Without lines, loadtxt would warn. Spreadsheets write whole numbers with a fraction of zeros.
        values = np.empty((0, 3))
        if lines:
            values = np.loadtxt(lines, np.float64, delimiter=",", usecols=columns, ndmin=2, comments=None)
        if not (np.abs(values) < _EXACT).all() or (values != np.round(values)).any():
            raise ValueError("a participant, time or label is no whole number")
        if lines and (exact := find_resolution(time := lines[0].split(",")[columns[1]].strip())) > 1:
            raise ValueError(f"its times, as {time}, are exact only to {exact:g} s")
        return values.astype(np.int64)
    except (ValueError, OverflowError, IndexError, csv.Error) as error:
        message = f"is not the publishers' table of labels ({' '.join(str(error).split())[:120]})"
        raise DataError(message, where=path, remedy=REMEDY) from error


def _phases(rows: NDArray[np.int64]) -> tuple[Phase, ...]:
    """Runs of seconds without gap and with one label, of rows of time and label."""
    breaks = (np.diff(rows[:, 0]) != 1) | (np.diff(rows[:, 1]) != 0)
    edges = [0, *(np.flatnonzero(breaks) + 1).tolist(), len(rows)]
    return tuple(
        Phase(number, int(rows[first, 1]), int(rows[first, 0]), stop - first)
        for number, (first, stop) in enumerate(pairwise(edges), start=1)
    )
