"""Folders, file names, channels and array shapes of DEAP's releases."""

import re
from pathlib import Path
from typing import Literal

from mmbench import DataError
from mmbench_datasets.names import list_files

RATE = 128.0
BASELINE_S = 3.0
TRIAL_S = 60.0
N_TRIALS = 40
N_SAMPLES = int((BASELINE_S + TRIAL_S) * RATE)
RATINGS = ("Valence", "Arousal", "Dominance", "Liking")

# fmt: off
EEG_CHANNELS = (
    "Fp1", "AF3", "F3", "F7", "FC5", "FC1", "C3", "T7", "CP5", "CP1", "P3", "P7", "PO3", "O1", "Oz", "Pz",
    "Fp2", "AF4", "Fz", "F4", "F8", "FC6", "FC2", "Cz", "C4", "T8", "CP6", "CP2", "P4", "P8", "PO4", "O2",
)
"""Order of the channels in the preprocessed release and in the recordings made in Geneva."""
TWENTE_CHANNELS = (
    "Fp1", "AF3", "F7", "F3", "FC1", "FC5", "T7", "C3", "CP1", "CP5", "P7", "P3", "Pz", "PO3", "O1", "Oz",
    "O2", "PO4", "P4", "P8", "CP6", "CP2", "C4", "T8", "FC6", "FC2", "F4", "F8", "AF4", "Fp2", "Fz", "Cz",
)
"""Order of the channels in the recordings made in Twente."""
# fmt: on
PERIPHERAL_CHANNELS = ("hEOG", "vEOG", "zEMG", "tEMG", "GSR", "Respiration", "Plethysmograph", "Temperature")
DATA_SHAPE = (N_TRIALS, len(EEG_CHANNELS) + len(PERIPHERAL_CHANNELS), N_SAMPLES)
LABELS_SHAPE = (N_TRIALS, len(RATINGS))

PYTHON_FOLDER = "data_preprocessed_python"
MATLAB_FOLDER = "data_preprocessed_matlab"
ORIGINAL_FOLDER = "data_original"
VIDEO_FOLDER = "face_video"
RATINGS_FILE = Path("metadata_csv") / "participant_ratings.csv"

Source = Literal["preprocessed", "bdf"]
FOLDERS: dict[Source, tuple[tuple[str, str], ...]] = {
    "preprocessed": ((MATLAB_FOLDER, ".mat"), (PYTHON_FOLDER, ".dat")),
    "bdf": ((ORIGINAL_FOLDER, ".bdf"),),
}
"""Folders of the signals and the suffix of their files; the last existing one takes precedence."""

CONTAINERS = (".avi", ".mp4", ".mkv", ".mov")
"""Video formats in order of precedence: DEAP's own first, then those of converted videos."""

SIMULATED_MARK = "SIMULATED.json"
"""File that marks a folder as simulated; it holds the options of the simulation."""

_SUBJECT = re.compile(r"s(\d\d)\Z")


def subject_name(participant: int) -> str:
    """Name of a participant in DEAP's files: ``s01``."""
    return f"s{participant:02d}"


def find_home(root: Path) -> Path:
    """The folder that holds DEAP's folders: ``root``, its parent, or one of its subfolders."""
    signals = (PYTHON_FOLDER, MATLAB_FOLDER, ORIGINAL_FOLDER)
    parents = [root.parent] if root.name in (*signals, VIDEO_FOLDER) else []
    children = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    for home in (root, *parents, *children):
        if any((home / folder).is_dir() for folder in signals):
            return home
    return root


def find_recordings(home: Path, source: Source = "preprocessed") -> dict[str, Path]:
    """Signal files by name of the subject; ``.dat`` takes precedence over ``.mat``."""
    found: dict[str, Path] = {}
    for folder, suffix in FOLDERS[source]:
        for path in list_files(home / folder):
            if path.suffix.lower() == suffix and _SUBJECT.match(path.stem.lower()):
                found[path.stem.lower()] = path
    return dict(sorted(found.items()))


def find_recording(home: Path, subject: str, source: Source) -> Path:
    """Signal file of a subject; raises DataError if there is none."""
    try:
        return find_recordings(home, source)[subject]
    except KeyError:
        folder, suffix = FOLDERS[source][-1]
        remedy = f"add {folder}/{subject}{suffix}"
        raise DataError(f"has no signals of {subject}", where=home, remedy=remedy) from None


def find_videos(home: Path, subject: str) -> dict[int, Path]:
    """Face videos of a subject by their number, the place in the order of presentation.

    Where a video exists in several formats, the first of ``CONTAINERS`` is used.
    """
    found: dict[int, Path] = {}
    name = re.compile(rf"{subject}_trial(\d\d)\Z", re.IGNORECASE)
    paths = list_files(home / VIDEO_FOLDER / subject)
    for suffix in reversed(CONTAINERS):
        for path in paths:
            if path.suffix.lower() == suffix and (match := name.match(path.stem)):
                found[int(match[1])] = path
    return dict(sorted(found.items()))


def video_path(home: Path, subject: str, trial: int) -> Path:
    """Path of the video of the ``trial``-th presentation."""
    return home / VIDEO_FOLDER / subject / f"{subject}_trial{trial:02d}.avi"
