"""Reads the tables of CMU-MOSI: features, rows of transcripts, transcripts."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError, check_content

FEATURES = {"text": 100, "audio": 73, "video": 100}
TRANSCRIPTS = "transcripts.csv"
_REMEDY = "get this file again"
_SHOWN = 40  # characters of a cell in a message


@dataclass(frozen=True)
class Utterances:
    """The utterances of a part in order: ``features`` ``(rows, width)`` of each modality; ``labels`` are 0 or 1."""

    ids: Sequence[str]
    transcripts: Sequence[str]
    labels: Sequence[int]
    features: dict[str, NDArray[np.float32]]


def feature_file(modality: str, part: str) -> str:
    """The file of a modality's features, whose last column is the label."""
    return f"{modality}_{part}0.csv"


def row_file(part: str) -> str:
    """The file whose first column is the row in `TRANSCRIPTS`, from 0; the text features follow."""
    return f"text_{part}.csv"


def list_files(root: Path, part: str) -> list[Path]:
    """Every file that the utterances of a part are read from."""
    names = (TRANSCRIPTS, row_file(part), *(feature_file(modality, part) for modality in FEATURES))
    return [root / name for name in names]


def load_utterances(root: Path, part: str) -> Utterances:
    """The utterances of ``train`` or ``test``; raises DataError about the file that is damaged or out of step."""
    paths = dict(zip(("transcripts", "rows", *FEATURES), list_files(root, part), strict=True))
    tables = {name: _load_numbers(paths[name], FEATURES[name] + 1) for name in FEATURES}
    rows = _load_numbers(paths["rows"], FEATURES["text"] + 1)
    for name, table in (*tables.items(), ("rows", rows)):
        if len(table) != len(tables["text"]):
            message = f"has {len(table)} rows, where {paths['text'].name} has {len(tables['text'])}"
            raise DataError(message, where=paths[name], remedy=_REMEDY)
    if wrong := np.flatnonzero(~np.isclose(rows[:, 1:], tables["text"][:, :-1]).all(axis=1)).tolist():
        message = f"row {wrong[0] + 1} has other features than {paths['text'].name}"
        raise DataError(message, where=paths["rows"], remedy=_REMEDY)
    utterances = _load_transcripts(paths["transcripts"])
    chosen = [utterances[at] for at in _row_numbers(paths["rows"], rows[:, 0], len(utterances))]
    labels = [label for _, _, label in chosen]
    for name, table in tables.items():
        if wrong := np.flatnonzero(table[:, -1] != labels).tolist():
            message = f"row {wrong[0] + 1} has the label {table[wrong[0], -1]:g}, where {TRANSCRIPTS} has another"
            raise DataError(message, where=paths[name], remedy=_REMEDY)
    features = {name: np.ascontiguousarray(table[:, :-1], np.float32) for name, table in tables.items()}
    return Utterances([row[0] for row in chosen], [row[1] for row in chosen], labels, features)


def _load_numbers(path: Path, n_columns: int) -> NDArray[np.float64]:
    """The table ``(rows, n_columns)`` of a file of quoted numbers without a header."""
    rows = _load_rows(path, n_columns)
    try:
        table = np.array(rows, np.float64)
    except ValueError:
        at, cell = next((at, cell) for at, row in enumerate(rows, 1) for cell in row if not _is_number(cell))
        raise DataError(f"row {at} has {cell[:_SHOWN]!r}, not a number", where=path, remedy=_REMEDY) from None
    if bad := np.flatnonzero(~np.isfinite(table).all(axis=1)).tolist():
        raise DataError(f"row {bad[0] + 1} has NaN or infinite values", where=path, remedy=_REMEDY)
    return table


def _load_rows(path: Path, n_columns: int) -> list[list[str]]:
    check_content(path)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file, strict=True))
    except UnicodeDecodeError as error:
        raise DataError(f"is not UTF-8 (byte {error.start})", where=path, remedy=_REMEDY) from error
    except csv.Error as error:
        raise DataError(f"is not a CSV file ({error})", where=path, remedy=_REMEDY) from error
    for number, row in enumerate(rows, start=1):
        if len(row) != n_columns:
            raise DataError(f"row {number} has {len(row)} columns, not {n_columns}", where=path, remedy=_REMEDY)
    return rows


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _load_transcripts(path: Path) -> list[tuple[str, str, int]]:
    """Id, text and label of every utterance."""
    rows = _load_rows(path, 4)
    seen: set[str] = set()
    for number, (name, _, _, label) in enumerate(rows, start=1):
        video, _, clip = name.rpartition("_")
        if not video or not clip.isdecimal() or name in seen:
            problem = "again" if name in seen else "not VIDEO_NUMBER"
            raise DataError(f"row {number} has the id {name[:_SHOWN]!r}, {problem}", where=path, remedy=_REMEDY)
        if label not in ("0", "1"):
            raise DataError(f"row {number} has the label {label[:_SHOWN]!r}, not 0 or 1", where=path, remedy=_REMEDY)
        seen.add(name)
    return [(name, text, int(label)) for name, text, _, label in rows]


def _row_numbers(path: Path, column: NDArray[np.float64], n_rows: int) -> list[int]:
    """The first column of the file of rows as indices, each once and below ``n_rows``."""
    seen: set[float] = set()
    for at, number in enumerate(column.tolist(), start=1):
        if not (number.is_integer() and 0 <= number < n_rows) or number in seen:
            problem = "again" if number in seen else f"not one of the {n_rows} of {TRANSCRIPTS}"
            raise DataError(f"row {at} names the utterance {number:g}, {problem}", where=path, remedy=_REMEDY)
        seen.add(number)
    return [int(number) for number in column.tolist()]
