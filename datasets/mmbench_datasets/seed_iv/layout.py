"""Files, sizes and labels of SEED-IV."""

import re
from pathlib import Path
from typing import Literal, NamedTuple

from mmbench import DataError
from mmbench_datasets.names import find_home, find_variant, list_files
from mmbench_datasets.shared.people import check_person

Feature = Literal["de", "psd"]
Smoothing = Literal["lds", "moving-average"]

EEG_FOLDER, EYE_FOLDER = "eeg_feature_smooth", "eye_feature_smooth"
N_CHANNELS, N_BANDS, N_EYE = 62, 5, 31
N_TRIALS = 24
N_PEOPLE = 15
WINDOW_S = 4.0
EMOTIONS = ("neutral", "sad", "fear", "happy")
LABELS = {
    1: (1, 2, 3, 0, 2, 0, 0, 1, 0, 1, 2, 1, 1, 1, 2, 3, 2, 2, 3, 3, 0, 3, 0, 3),
    2: (2, 1, 3, 0, 0, 2, 0, 2, 3, 3, 2, 3, 2, 0, 1, 1, 2, 1, 0, 3, 0, 1, 3, 1),
    3: (1, 2, 2, 1, 3, 3, 3, 1, 1, 2, 1, 0, 2, 3, 3, 0, 2, 3, 0, 0, 2, 0, 1, 0),
}
"""The emotion of each film, an index of `EMOTIONS`, by session; the same for everybody (the publishers' ReadMe)."""


class SessionFiles(NamedTuple):
    """The files of a person's session; ``eye`` may not exist."""

    session: int
    eeg: Path
    eye: Path


def find_features(root: Path) -> Path:
    """The folder that holds the folder of EEG features: ``root``, or the only folder in it that has one."""
    return find_home(root, lambda folder: find_variant(folder / EEG_FOLDER).is_dir())


def find_sessions(root: Path) -> dict[str, list[SessionFiles]]:
    """The sessions with EEG features of each person (``s01``), in order; DataError for a person of another number."""
    home = find_features(root)
    eeg, eye = find_variant(home / EEG_FOLDER), find_variant(home / EYE_FOLDER)
    found: dict[int, list[SessionFiles]] = {}
    for session in LABELS:
        for path in list_files(eeg / str(session)):
            if match := re.fullmatch(r"(\d{1,3})_\d+\.mat", path.name, re.IGNORECASE):
                check_person(int(match[1]), N_PEOPLE, root, path)
                files = SessionFiles(session, path, find_variant(eye / str(session) / path.name))
                found.setdefault(int(match[1]), []).append(files)
    return {f"s{number:02d}": found[number] for number in sorted(found)}


def find_clashes(sessions: list[SessionFiles]) -> list[DataError]:
    """An error for each file of a person that is of a session, or of a date, of which there is another file."""
    clashes, remedy = [], "keep the file that the publishers have in this folder, and remove the other"
    for at, files in enumerate(sessions):
        for earlier in sessions[:at]:
            if earlier.session == files.session:
                message = f"is a second file of this person and session {files.session}, beside {earlier.eeg}"
            elif _date(earlier) == _date(files):
                message = f"has the date of {earlier.eeg}, but sessions are days apart"
            else:
                continue
            clashes.append(DataError(message, where=files.eeg, remedy=remedy))
            break
    return clashes


def _date(files: SessionFiles) -> str:
    return files.eeg.stem.rpartition("_")[2]


def variable(feature: Feature, smoothing: Smoothing) -> str:
    """How the names of the EEG features of all trials begin: ``de_LDS``."""
    return f"{feature}_{'LDS' if smoothing == 'lds' else 'movingAve'}"
