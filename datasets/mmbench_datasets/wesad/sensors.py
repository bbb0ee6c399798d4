"""Sensors, labels and files of WESAD."""

import re
from pathlib import Path
from typing import NamedTuple

from mmbench_datasets.names import find_home, list_files

LABEL_RATE = 700
STATES = ("baseline", "stress", "amusement", "meditation")
"""The conditions of labels 1 to 4."""
IGNORED = frozenset({0, 5, 6, 7})
"""Labels of transitions, and those that the publishers say to ignore."""
PUBLISHED = tuple(f"s{number:02d}" for number in (*range(2, 12), *range(13, 18)))
"""The 15 people; the sensors of S1 and S12 failed."""


class Sensor(NamedTuple):
    """Where a file has a modality: device and key, channels, rate in Hz, and what divides its values.

    ``may_be_constant``: a channel at rest may have one value throughout a window.
    """

    device: str
    key: str
    channels: tuple[str, ...]
    rate: int
    divisor: float = 1.0
    may_be_constant: bool = False


SENSORS = {
    "chest_acc": Sensor("chest", "ACC", ("x", "y", "z"), 700, may_be_constant=True),
    "chest_ecg": Sensor("chest", "ECG", ("ecg",), 700),
    "chest_emg": Sensor("chest", "EMG", ("emg",), 700),
    "chest_eda": Sensor("chest", "EDA", ("eda",), 700),
    "chest_temp": Sensor("chest", "Temp", ("temperature",), 700, may_be_constant=True),
    "chest_resp": Sensor("chest", "Resp", ("respiration",), 700),
    "wrist_acc": Sensor("wrist", "ACC", ("x", "y", "z"), 32, divisor=64.0, may_be_constant=True),
    "wrist_bvp": Sensor("wrist", "BVP", ("bvp",), 64),
    "wrist_eda": Sensor("wrist", "EDA", ("eda",), 4, may_be_constant=True),
    "wrist_temp": Sensor("wrist", "TEMP", ("temperature",), 4, may_be_constant=True),
}


def find_files(root: Path) -> dict[str, Path]:
    """The files ``SN/SN.pkl`` by person (``s02``), in ``root`` or the only folder in it that has such files."""
    return _list_people(find_home(root, lambda folder: bool(_list_people(folder))))


def _list_people(home: Path) -> dict[str, Path]:
    found = {}
    for folder in list_files(home):
        if (match := re.fullmatch(r"[sS](\d{1,3})", folder.name)) and folder.is_dir():
            for path in list_files(folder):
                if path.name.lower() == f"{folder.name.lower()}.pkl":
                    found[f"s{int(match[1]):02d}"] = path
    return dict(sorted(found.items()))
