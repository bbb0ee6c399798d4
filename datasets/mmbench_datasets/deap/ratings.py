"""Reads and checks DEAP's table of ratings, ``participant_ratings.csv`` or the same as a spreadsheet."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError, check_content, read_csv
from mmbench_datasets.deap.files import file_stamp
from mmbench_datasets.deap.layout import RATINGS

_REMEDY = "copy or download the file from DEAP again"
_COLUMNS = ("Participant_id", "Trial", "Experiment_id", *RATINGS)


@dataclass(frozen=True)
class Rating:
    """A row of the table: the place of the video in the order of presentation (``trial``, from 1) and its ratings."""

    trial: int
    values: tuple[float, ...]


Ratings = Mapping[tuple[int, int], Rating]
"""Ratings by participant and Experiment_id, both from 1."""


def load_ratings(path: Path) -> Ratings:
    """All ratings of the table: a CSV with commas, semicolons or tabs, or the first sheet of an .xlsx, .xls or .ods.

    Raises DataError, with the line, where a row is damaged or a trial is there twice.
    """
    return _load(path, file_stamp(path))


@lru_cache(maxsize=4)
def _load(path: Path, _: tuple[int, ...]) -> Ratings:
    ratings: dict[tuple[int, int], Rating] = {}
    presented: set[tuple[int, int]] = set()
    for line, row in _read_rows(path):
        participant, experiment, rating = _parse_rating(path, line, row)
        if (participant, experiment) in ratings or (participant, rating.trial) in presented:
            raise DataError("repeats a trial", where=f"{path}, line {line}", remedy=_REMEDY)
        ratings[participant, experiment] = rating
        presented.add((participant, rating.trial))
    return ratings


def _read_rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Line number and cells of each row that is not empty, by the names of ``_COLUMNS``; other columns are left out."""
    lines = _read_csv(path) if path.suffix.lower() == ".csv" else _read_spreadsheet(path)
    _, header = next(lines, (1, []))
    places = {name.strip().lower(): place for place, name in reversed([*enumerate(header)])}
    if missing := [name for name in _COLUMNS if name.lower() not in places]:
        raise DataError(f"has no column {', '.join(missing)}", where=path, remedy=_REMEDY)
    for line, cells in lines:
        if not any(cell.strip() for cell in cells):  # spreadsheets leave rows of empty cells
            continue
        filled = [*cells, *[""] * len(header)]  # a short row lacks its last cells
        yield line, {name: filled[places[name.lower()]] for name in _COLUMNS}


def _read_csv(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row; a comma in a number is a point."""
    check_content(path)
    try:
        table = read_csv(path)
    except OSError as error:
        raise DataError(f"cannot be read ({error})", where=path, remedy=_REMEDY) from error
    yield 1, table.header
    for line, cells in zip(table.lines, table.rows, strict=True):
        yield line, [cell.replace(",", ".") for cell in cells]


def _read_spreadsheet(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells, as text, of each row of the first sheet."""
    import python_calamine

    check_content(path, "is a ZIP archive")
    try:
        sheet = python_calamine.load_workbook(str(path)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (OSError, python_calamine.CalamineError) as error:
        raise DataError(f"cannot be read ({error})", where=path, remedy=_REMEDY) from error
    for line, row in enumerate(sheet, 1):
        yield line, [str(cell) for cell in row]


def _parse_rating(path: Path, line: int, row: Mapping[str, str]) -> tuple[int, int, Rating]:
    where = f"{path}, line {line}"
    try:
        participant, trial, experiment = (_parse_integer(row[name]) for name in _COLUMNS[:3])
        values = tuple(float(row[name]) for name in RATINGS)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"not a row of ratings ({error})", where=where, remedy=_REMEDY) from error
    if not all(1 <= value <= 9 for value in values):
        raise DataError("a rating outside 1-9", where=where, remedy=_REMEDY)
    return participant, experiment, Rating(trial, values)


def _parse_integer(text: str) -> int:
    """An integer; spreadsheets write it as ``3.0`` where a cell of its column is empty."""
    if (value := float(text)) != int(value):
        raise ValueError(f"{text} is not an integer")
    return int(value)


def check_agreement(
    path: Path, ratings: Ratings, participant: int, labels: NDArray[np.floating[Any]], bad: Collection[int] = ()
) -> None:
    """Raise DataError unless the ratings of every Experiment_id equal the labels in its row; ``bad`` rows are skipped.

    Where they differ, one of the two files is in another order, and faces would get the label of another video.
    """
    for row, label in enumerate(labels):
        if row in bad:
            continue
        rating = ratings.get((participant, row + 1))
        where = f"{path}, participant {participant}, Experiment_id {row + 1}"
        if rating is None:
            raise DataError("has no ratings", where=where, remedy=_REMEDY)
        if not np.allclose(rating.values, label, rtol=0, atol=0.1):
            raise DataError(
                f"ratings {rating.values} differ from the labels {tuple(label.tolist())} of the signals",
                where=where,
                remedy="take both files from the same release of DEAP, unsorted",
            )
