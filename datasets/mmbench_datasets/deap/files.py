"""Reads DEAP's signals and ratings, and checks all that later code relies on."""

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError, check_content
from mmbench_datasets.deap.layout import DATA_SHAPE, LABELS_SHAPE, RATINGS
from mmbench_datasets.deap.mat5 import load_mat
from mmbench_datasets.deap.pickle2 import load_pickle

# Protocol 0 spells the 103 MB of a subject out in about 300 MB.
_MAX_BYTES = 512 * 2**20
_AGAIN = "copy or download the file from DEAP again"
_COLUMNS = ("Participant_id", "Trial", "Experiment_id", *RATINGS)


@dataclass(frozen=True)
class Recording:
    """The signals of one subject: ``data`` (40, 40, 8064), ``labels`` (40, 4) in 1-9, rows by Experiment_id."""

    data: NDArray[np.floating[Any]]
    labels: NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Rating:
    """A row of the ratings: when the video clip was shown (``trial``, from 1) and how it was rated."""

    trial: int
    values: tuple[float, ...]


Ratings = Mapping[tuple[int, int], Rating]
"""Ratings by participant and Experiment_id, both from 1."""


def load_recording(path: Path) -> Recording:
    """Read ``sNN.dat`` or ``sNN.mat``, whatever its values; raises DataError naming the file."""
    check_content(path, "is a MATLAB file of level 5")
    if path.stat().st_size > _MAX_BYTES:
        raise DataError(f"is larger than {_MAX_BYTES >> 20} MB, DEAP's are not", where=path, remedy=_AGAIN)
    try:
        arrays = _load(path)
    except (ValueError, MemoryError) as error:
        kind = "a pickle" if path.suffix.lower() == ".dat" else "a MATLAB file"
        message = f"cannot be read as {kind} of DEAP: {error}"
        raise DataError(message, where=path, remedy=_AGAIN) from error
    for key, shape in (("data", DATA_SHAPE), ("labels", LABELS_SHAPE)):
        _check_array(path, key, arrays.get(key), shape)
    return Recording(arrays["data"], arrays["labels"])


def _load(path: Path) -> dict[str, NDArray[Any]]:
    if path.suffix.lower() == ".dat":
        return load_pickle(path)
    return load_mat(path.read_bytes(), ("data", "labels"), _MAX_BYTES)


def _check_array(path: Path, key: str, array: NDArray[Any] | None, shape: tuple[int, ...]) -> None:
    if array is None:
        raise DataError(f"has no array {key!r}", where=path, remedy=_AGAIN)
    if array.shape != shape or array.dtype.kind not in "fiu":
        raise DataError(f"{key!r} is {array.dtype} {array.shape}, not numbers {shape}", where=path, remedy=_AGAIN)


def find_bad_trials(path: Path, recording: Recording) -> dict[int, DataError]:
    """The rows of a recording that cannot be used, and why: signals that are no numbers, ratings outside 1-9."""
    inside = (recording.labels >= 1) & (recording.labels <= 9)  # False for NaN
    found = {}
    for row in np.flatnonzero(~inside.all(axis=1)).tolist():
        column = int(np.flatnonzero(~inside[row])[0])
        message = f"{RATINGS[column].lower()} is {recording.labels[row, column]:g}, outside 1-9"
        found[row] = DataError(message, where=f"{path}, trial {row + 1}", remedy=_AGAIN)
    for row in np.flatnonzero(~np.isfinite(recording.data).all(axis=(1, 2))).tolist():
        found[row] = DataError("has NaN or infinite values", where=f"{path}, trial {row + 1}", remedy=_AGAIN)
    return dict(sorted(found.items()))


def load_ratings(path: Path) -> Ratings:
    """Read ``participant_ratings.csv``; every row is checked."""
    ratings: dict[tuple[int, int], Rating] = {}
    shown: set[tuple[int, int]] = set()
    check_content(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            _check_columns(path, rows.fieldnames or ())
            for row in rows:
                if not any(row.values()):  # spreadsheets leave rows of empty cells
                    continue
                participant, experiment, rating = _parse_rating(path, rows.line_num, row)
                if (participant, experiment) in ratings or (participant, rating.trial) in shown:
                    raise DataError("names a trial twice", where=f"{path}, line {rows.line_num}", remedy=_AGAIN)
                ratings[participant, experiment] = rating
                shown.add((participant, rating.trial))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot be read ({error})", where=path, remedy=_AGAIN) from error
    return ratings


def _check_columns(path: Path, names: Any) -> None:
    if missing := [name for name in _COLUMNS if name not in names]:
        raise DataError(f"has no column {', '.join(missing)}", where=path, remedy=_AGAIN)


def _parse_rating(path: Path, line: int, row: Mapping[str, str]) -> tuple[int, int, Rating]:
    try:
        participant, trial, experiment = (_parse_whole(row[name]) for name in _COLUMNS[:3])
        values = tuple(float(row[name]) for name in RATINGS)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"not a row of ratings ({error})", where=f"{path}, line {line}", remedy=_AGAIN) from error
    if not all(1 <= value <= 9 for value in values):
        raise DataError("a rating outside 1-9", where=f"{path}, line {line}", remedy=_AGAIN)
    return participant, experiment, Rating(trial, values)


def _parse_whole(text: str) -> int:
    """A whole number; spreadsheets write it with a fraction of zeros where a cell of its column is empty."""
    if (value := float(text)) != int(value):
        raise ValueError(f"{text} is no whole number")
    return int(value)


def check_agreement(
    path: Path, ratings: Ratings, participant: int, labels: NDArray[np.floating[Any]], bad: Collection[int] = ()
) -> None:
    """Raise DataError unless the ratings of every Experiment_id are the labels in its row; ``bad`` rows have none.

    Where they differ, one of the two is not in the order it should be in, and faces would get another clip's label.
    """
    for row, label in enumerate(labels):
        if row in bad:
            continue
        rating = ratings.get((participant, row + 1))
        where = f"{path}, participant {participant}, Experiment_id {row + 1}"
        if rating is None:
            raise DataError("has no ratings", where=where, remedy=_AGAIN)
        if not np.allclose(rating.values, label, rtol=0, atol=0.1):
            raise DataError(
                f"ratings {rating.values} are not the labels {tuple(label.tolist())} of the signals",
                where=where,
                remedy="take both files from the same release of DEAP, unsorted",
            )
