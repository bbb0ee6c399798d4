"""Channels, states and rate of EEGMAT's EDF files, and the check of their headers."""

from pathlib import Path

from mmbench import check_content
from mmbench_datasets.edf import Header, read_header

# fmt: off
EEG = ("Fp1", "Fp2", "F3", "F4", "F7", "F8", "T3", "T4", "C3", "C4", "T5", "T6", "P3", "P4", "O1", "O2",
       "Fz", "Cz", "Pz")
# fmt: on
SIGNALS = (*(f"EEG {name}" for name in EEG), "ECG ECG")
STATES = ("rest", "arithmetic")
FILE_RATE = 500
_UNCHANGED = "use the unchanged EDF files of EEGMAT"


def check_header(path: Path) -> Header:
    """The header of a complete file that has each signal once, at 500 Hz and in a unit of voltage.

    Raises DataError otherwise, and where the times of its records are invalid.
    """
    from mmbench_datasets.edf_signals import find_segments  # imports numpy, which listing datasets does not need

    check_content(path, "is an EDF file")
    header = read_header(path, "EDF", "get this file again")
    if missing := [label for label in SIGNALS if label not in header.labels]:
        message = f"lacks the channel {missing[0]!r}" + (f" and {len(missing) - 1} more" if missing[1:] else "")
        raise header.error(message, _UNCHANGED)
    for label in SIGNALS:
        if (rate := header.rate(label)) != FILE_RATE:
            raise header.error(f"channel {label!r} has {rate:g} Hz, not {FILE_RATE}", _UNCHANGED)
        header.check_voltage(label)
        header.scale(label)
    find_segments(header)
    return header
