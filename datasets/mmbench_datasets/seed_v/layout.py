"""Files, sizes and labels of SEED-V."""

import re
from pathlib import Path

from mmbench_datasets.names import find_home, find_variant, list_files
from mmbench_datasets.shared.people import check_person

FOLDERS = {"eeg": "EEG_DE_features", "eye": "Eye_movement_features"}
WIDTHS = {"eeg": 310, "eye": 33}
N_TRIALS, PER_SESSION = 45, 15
N_PEOPLE = 16
WINDOW_S = 4.0
EMOTIONS = ("disgust", "fear", "sad", "neutral", "happy")
"""The emotions of labels 0 to 4."""


def find_features(root: Path) -> Path:
    """The folder that holds the folder of EEG features: ``root``, or the only folder in it that has one."""
    return find_home(root, lambda folder: find_variant(folder / FOLDERS["eeg"]).is_dir())


def find_files(root: Path) -> dict[str, dict[str, Path]]:
    """The files of EEG and eye features of each person with EEG features (``s01``); that of the eyes may not exist.

    Raises DataError for a person of another number than SEED-V has.
    """
    home = find_features(root)
    folders = {modality: find_variant(home / folder) for modality, folder in FOLDERS.items()}
    found = {}
    for path in list_files(folders["eeg"]):
        if match := re.fullmatch(r"(\d{1,3})_123\.npz", path.name, re.IGNORECASE):
            check_person(int(match[1]), N_PEOPLE, root, path)
            found[int(match[1])] = {"eeg": path, "eye": find_variant(folders["eye"] / path.name)}
    return {f"s{number:02d}": found[number] for number in sorted(found)}
