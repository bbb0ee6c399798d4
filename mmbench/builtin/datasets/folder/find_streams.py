"""Modalities of the columns and arrays of a folder that nobody described."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from mmbench import DataError
from mmbench.builtin.datasets.folder.arrays import load_array
from mmbench.builtin.datasets.folder.columns import as_numbers, as_texts, find_decimal_comma, find_odd_cell, find_width
from mmbench.builtin.datasets.folder.description import Stream
from mmbench.builtin.datasets.folder.find_arrays import FoundStreams, find_arrays
from mmbench.builtin.datasets.folder.merging import MergedTable
from mmbench.builtin.datasets.folder.questions import Answers, Question
from mmbench.builtin.datasets.folder.roles import TEXTS, is_file_column
from mmbench.builtin.datasets.folder.tables import Table, named_files
from mmbench.builtin.datasets.folder.tree import KINDS

FEW = 20  # distinct texts of a category, and distinct whole numbers of a target that may be classes
_LONGEST = 40  # characters of the name of a category
_IMAGE_SIZE = (224, 224)
_VIDEO_RATE = 1.0  # frames per second


def find_streams(
    folder: Path,
    merged: MergedTable,
    names: Sequence[str],
    identity: str,
    arrays: Sequence[Path],
    answers: Answers,
) -> FoundStreams:
    """The modalities of the columns ``names``, of which some name files in ``folder``, and of the files ``arrays``.

    Columns that ``answers`` call text become texts, whatever they hold.
    """
    found = FoundStreams()
    table = merged.table
    cells: dict[str, list[str]] = {}
    for column in names:
        if column in answers.text:
            found.add(column, Stream("text", (column,)))
        elif is_file_column(column):
            _add_files(folder, table, column, found)
        elif find_width(table.columns[column]) is not None:
            found.add(column, Stream("vector", (column,)))
        elif _is_cell(table, column, found):
            cells.setdefault(Path(merged.origin.get(column, "table")).stem, []).append(column)
        elif _is_text(column):
            found.add(column, Stream("text", (column,)))
        else:
            found.unused.append(column)
    for name, columns in cells.items():
        texts = [column for column in columns if as_numbers(table.columns[column]) is None]
        found.add(name, Stream("table", tuple(columns), levels={each: _levels(table, each) for each in texts}))
    find_arrays(arrays, table, identity, answers.in_order, found)
    if not found.streams and not found.questions:
        option = "--target, or write [modality.NAME] in dataset.toml"
        found.questions.append(Question("no column or array is a modality", option))
    return found


def _is_text(column: str) -> bool:
    return column.rpartition(".")[2] in TEXTS


def _is_cell(table: Table, column: str, found: FoundStreams) -> bool:
    """Whether a column is numbers or categories; asks where it is numbers but for some cells."""
    values = table.columns[column]
    if as_numbers(values) is not None:
        return True
    if comma := find_decimal_comma(values):
        message = f"{column} has {comma!r} with a decimal comma"
        found.questions.append(Question(message, f"write a point, or add --ignore {column}"))
        return False
    if (at := find_odd_cell(values)) is not None:
        message = f"{column} holds numbers, but {values[at]!r} in {table.row(at)}"
        found.questions.append(Question(message, f"--missing {values[at]!r} or --ignore {column}, or correct it"))
        return False
    return _has_levels(table, column) and not _is_text(column)


def _levels(table: Table, column: str) -> tuple[str, ...]:
    return tuple(sorted({text for text in as_texts(table.columns[column]) if text is not None}))


def _has_levels(table: Table, column: str) -> bool:
    values = table.columns[column]
    if any(isinstance(value, list | dict | bytes) for value in values):
        return False
    levels = _levels(table, column)
    return 2 <= len(levels) <= min(FEW, table.n // 2) and max(map(len, levels)) <= _LONGEST


def _add_files(folder: Path, table: Table, column: str, found: FoundStreams) -> None:
    paths = named_files(table.columns[column])
    if not paths:
        found.questions.append(Question(f"{column} names no file", f"--ignore {column}"))
        return
    suffixes = {PurePosixPath(path).suffix.lower() for path in paths}
    kinds = {KINDS.get(suffix, "") for suffix in suffixes}
    if len(kinds) != 1 or "" in kinds:
        listed = ", ".join(sorted(suffixes))
        message = f"{column} names {listed}, which are not of one known kind"
        found.questions.append(Question(message, f"--ignore {column}"))
        return
    existing = [path for path in map(folder.joinpath, paths) if path.is_file()]
    if not existing:
        is_windows = (folder / paths[0].replace("\\", "/")).is_file()
        fix = "write / in place of \\ in names" if is_windows else "put the files there"
        message = f"{column} names no file that exists, such as {folder / paths[0]}"
        found.questions.append(Question(message, f"{fix}, or add --ignore {column}"))
        return
    (kind,) = kinds
    instances = max((len(cell) for cell in table.columns[column] if isinstance(cell, list)), default=1)
    name = column.removesuffix("file_name").rstrip("_.") or kind
    found.add(name, replace(_make_stream(kind, column, existing), instances=max(instances, 1)))


def _make_stream(kind: str, column: str, files: Sequence[Path]) -> Stream:
    """The modality of a column of files, by the first of those that exist."""
    if kind == "audio":
        return Stream(kind, (column,), rate=_audio_rate(files))
    if kind in ("image", "video"):
        rate = _VIDEO_RATE if kind == "video" else None
        return Stream(kind, (column,), rate=rate, size=_IMAGE_SIZE, resize="crop")
    if kind == "timeseries" and load_array(files[0]).ndim == 1:
        return Stream("vector", (column,))
    return Stream(kind, (column,))


def _audio_rate(files: Sequence[Path]) -> float:
    """The rate of the first file that can be read, in Hz; DataError about the first of all where none can."""
    import soundfile

    reason = ""
    for path in files:
        try:
            return float(soundfile.info(path).samplerate)
        except (soundfile.SoundFileError, OSError, ValueError, RuntimeError) as error:
            reason = reason or str(error).rpartition(": ")[2]
    message = f"cannot be read as WAV, FLAC or OGG ({reason}), nor any other file of its column"
    raise DataError(message, where=files[0], remedy="fix the files, or leave them out with --ignore")
