"""Reads the publishers' table of labels, one per second, as phases."""

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
MOST = 999  # participants; a damaged table could have one per row
REMEDY = "get this file again"
_EXACT = 2**53  # below, a float holds every integer exactly


def load_phases(path: Path) -> Mapping[str, tuple[Phase, ...]]:
    """Phases in order of time of each labelled subject, by unit: ``s02``, ``s03``, ...

    A phase ends where the class changes and where seconds are missing. Raises DataError unless the table has the
    publishers' columns, integers, labels 0 and 1 and increasing times.
    """
    check_content(path)
    status = path.stat()
    return _load(path, status.st_mtime_ns, status.st_ctime_ns, status.st_size)


@lru_cache(maxsize=2)  # called for each unit; parsing the 112,516 rows takes 0.1 s
def _load(path: Path, *_: int) -> Mapping[str, tuple[Phase, ...]]:
    rows = _rows(path)
    if not rows.size or not np.isin(rows[:, 0], range(MOST + 1)).all() or not np.isin(rows[:, 2], (0, 1)).all():
        message = f"has no rows, a participant outside 0-{MOST} or a label other than 0 and 1"
        raise DataError(message, where=path, remedy=REMEDY)
    people = {f"s{number:02d}": rows[rows[:, 0] == number, 1:] for number in np.unique(rows[:, 0]).tolist()}
    for unit, mine in people.items():
        _check_seconds(path, unit, mine[:, 0])
    return {unit: _phases(mine) for unit, mine in people.items()}


def _check_seconds(path: Path, unit: str, seconds: NDArray[np.int64]) -> None:
    """Raise DataError unless the times of a person are increasing Unix times, 1 s apart except for gaps."""
    if outside := seconds[(seconds < 0) | (seconds >= LATEST)].tolist():
        raise DataError(f"{outside[0]} of {unit} is not a Unix time in seconds", where=path, remedy=REMEDY)
    steps = np.diff(seconds)
    if back := np.flatnonzero(steps <= 0).tolist():
        before, after = seconds[back[0]], seconds[back[0] + 1]
        message = f"the seconds of {unit} do not increase: {after} comes after {before}"
        raise DataError(message, where=path, remedy=REMEDY)
    if len(steps) and (usual := int(np.median(steps))) != 1:
        message = f"most rows of {unit} are {usual} s apart, not 1: the labels in between are unknown"
        raise DataError(message, where=path, remedy=REMEDY)


def _rows(path: Path) -> NDArray[np.int64]:
    """Participant, Unix time and label of each row, (rows, 3)."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader([file.readline(1000)]), [])
            columns = [header.index(name) for name in (PERSON, TIME, LABEL)]
            lines = [line for line in file if not is_blank(line)]
        # loadtxt warns of empty input. Spreadsheets write integers as 3.0.
        values = np.empty((0, 3))
        if lines:
            values = np.loadtxt(lines, np.float64, delimiter=",", usecols=columns, ndmin=2, comments=None)
        if not (np.abs(values) < _EXACT).all() or (values != np.round(values)).any():
            raise ValueError("a participant, time or label is not an integer")
        if lines and (exact := find_resolution(time := lines[0].split(",")[columns[1]].strip())) > 1:
            raise ValueError(f"its times, as {time}, are exact only to {exact:g} s")
        return values.astype(np.int64)
    except (ValueError, OverflowError, IndexError, csv.Error) as error:
        message = f"is not the publishers' table of labels ({' '.join(str(error).split())[:120]})"
        raise DataError(message, where=path, remedy=REMEDY) from error


def _phases(rows: NDArray[np.int64]) -> tuple[Phase, ...]:
    """Runs of rows (time, label) without a gap and with one label."""
    breaks = (np.diff(rows[:, 0]) != 1) | (np.diff(rows[:, 1]) != 0)
    edges = [0, *(np.flatnonzero(breaks) + 1).tolist(), len(rows)]
    return tuple(
        Phase(number, int(rows[first, 1]), int(rows[first, 0]), stop - first)
        for number, (first, stop) in enumerate(pairwise(edges), start=1)
    )
