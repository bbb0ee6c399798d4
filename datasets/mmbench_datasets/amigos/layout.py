"""Files, channels and ratings of AMIGOS' preprocessed release."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from mmbench import DataError
from mmbench_datasets.names import list_files

Videos = Literal["short", "long", "all"]

RATE = 128.0
BASELINE_S = 5.0
EEG = ("AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4")
ECG = ("right", "left")
GSR = ("gsr",)
COLUMNS = {"eeg": slice(0, 14), "ecg": slice(14, 16), "gsr": slice(16, 17)}
"""Columns of a trial by modality."""
N_COLUMNS = 17
RATINGS = ("arousal", "valence", "dominance", "liking", "familiarity")
EMOTIONS = ("neutral", "disgust", "happiness", "surprise", "anger", "fear", "sadness")
"""The self-assessment of a trial: `RATINGS` from 1 to 9, then 0 or 1 of each of these."""
N_SHORT, N_TRIALS = 16, 20
N_PEOPLE = 40
TRIALS: dict[Videos, range] = {"short": range(N_SHORT), "long": range(N_SHORT, N_TRIALS), "all": range(N_TRIALS)}
_DEEPEST = 2  # folders of the archives, one within the other


def find_files(root: Path) -> dict[str, Path]:
    """The file of each person (``p01``), in ``root`` or a folder of its archive.

    Raises DataError where two files are of one person.
    """
    found: dict[int, Path] = {}
    for path in _walk(root, _DEEPEST):
        if match := re.fullmatch(r"Data_Preprocessed_P(\d{1,3})\.mat", path.name, re.IGNORECASE):
            earlier = found.setdefault(int(match[1]), path)
            if earlier != path:
                raise DataError(f"is of the person of {earlier}", where=path, remedy="remove one of the two files")
    return {f"p{number:02d}": found[number] for number in sorted(found)}


def _walk(folder: Path, deepest: int) -> Iterator[Path]:
    entries = list_files(folder)
    yield from (entry for entry in entries if not entry.is_dir())
    if deepest:
        for entry in entries:
            if entry.is_dir():
                yield from _walk(entry, deepest - 1)
