"""Folders, file names, channels and array shapes of DEAP's releases."""

from pathlib import Path
from typing import Literal

RATE = 128.0
BASELINE_S = 3.0
TRIAL_S = 60.0
N_TRIALS = 40
N_PEOPLE = 32
N_FILMED = 22
"""DEAP has videos of the first 22 of its 32 people."""
_NOT_FILMED = {3: {40}, 5: {40}, 14: {40}, 11: {38, 39, 40}}
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


def subject_name(participant: int) -> str:
    """Name of a participant in DEAP's files: ``s01``."""
    return f"s{participant:02d}"


def is_filmed(participant: int, trial: int) -> bool:
    """Whether DEAP has a video of this person's ``trial``-th presentation."""
    return participant <= N_FILMED and trial not in _NOT_FILMED.get(participant, set())


def video_path(home: Path, subject: str, trial: int) -> Path:
    """Path of the video of the ``trial``-th presentation."""
    return home / VIDEO_FOLDER / subject / f"{subject}_trial{trial:02d}.avi"
