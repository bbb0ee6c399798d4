"""What an EDF file of EEGMAT holds, and whether its header says so."""

from pathlib import Path

from mmbench import DataError, check_content
from mmbench_datasets.edf import read_header

# fmt: off
EEG = ("Fp1", "Fp2", "F3", "F4", "F7", "F8", "T3", "T4", "C3", "C4", "T5", "T6", "P3", "P4", "O1", "O2",
       "Fz", "Cz", "Pz")
# fmt: on
SIGNALS = (*(f"EEG {name}" for name in EEG), "ECG ECG")
STATES = ("rest", "arithmetic")
FILE_RATE = 500


def check_header(path: Path) -> None:
    """Raise DataError unless the file has all signals at their rate, and is as long as it says."""
    check_content(path, "is an EDF file")
    header = read_header(path, "EDF", "get this file again")
    if missing := [label for label in SIGNALS if label not in header.labels]:
        message = f"lacks the channel {missing[0]!r}" + (f" and {len(missing) - 1} more" if missing[1:] else "")
        raise DataError(message, where=path, remedy="use the unchanged EDF files of EEGMAT")
    for label in SIGNALS:
        if (rate := header.rate(label)) != FILE_RATE:
            message = f"channel {label!r} has {rate:g} Hz, not {FILE_RATE}"
            raise DataError(message, where=path, remedy="use the unchanged EDF files of EEGMAT")
