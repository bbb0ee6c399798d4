"""Reads the pickles of WESAD, without running the code that they name."""

import itertools
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError, Sample, check_content
from mmbench_datasets.shared.array_pickle import load_pickle_tree
from mmbench_datasets.shared.damage import how_to_drop
from mmbench_datasets.shared.sliding_windows import Signal, Windows, cut_samples
from mmbench_datasets.wesad.sensors import IGNORED, LABEL_RATE, SENSORS, STATES, Sensor

_REMEDY = how_to_drop("copy or download the file again", "this person")
_GRID = 4  # Hz: runs begin and end where all sensors have a sample
_SLACK_S = 2.0  # by which the sensors of a synchronised file may end apart


class Person(NamedTuple):
    """A whole recording: signals ``(channels, time)`` by modality, in the units of the file, and labels ``(time,)``."""

    signals: Mapping[str, NDArray[Any]]
    labels: NDArray[Any]


class Phase(NamedTuple):
    """A run of one condition, an index of `STATES`, from ``start`` to ``stop`` in s: whole quarters of a second."""

    state: int
    start: float
    stop: float

    def samples(self, rate: float) -> int:
        """The number of samples at ``rate`` Hz."""
        return round((self.stop - self.start) * rate)


def check_file(path: Path) -> None:
    """Raise DataError for a file that is no pickle by its first and last bytes."""
    check_content(path)
    with path.open("rb") as file:
        file.seek(-1, 2)
        if file.read(1) != b".":
            raise DataError("is truncated: its last byte is not the end of a pickle", where=path, remedy=_REMEDY)


def load_person(path: Path) -> Person:
    """The recording of a person, as views of the file; a sensor that the file lacks is not among the signals.

    Raises DataError for a file that is damaged, is not WESAD's or that of another person, or whose sensors do not last
    equally long.
    """
    check_file(path)
    try:
        tree = load_pickle_tree(path)
    except (ValueError, MemoryError) as error:
        raise DataError(f"cannot be read as a pickle: {error}", where=path, remedy=_REMEDY) from error
    labels, devices = (tree.get("label"), tree.get("signal")) if isinstance(tree, dict) else (None, None)
    if not isinstance(labels, np.ndarray) or not isinstance(devices, dict):
        raise DataError("has no signal and label of WESAD", where=path, remedy=_REMEDY)
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not len(labels):
        message = f"label is {labels.dtype} {labels.shape}, not whole numbers (time,)"
        raise DataError(message, where=path, remedy=_REMEDY)
    subject = tree.get("subject")
    if isinstance(subject, str) and _number(subject) != _number(path.stem):
        message = f"is of the person {subject} by its content"
        raise DataError(message, where=path, remedy="put each file into the folder of its person")
    found = {name: _signal(devices, name, sensor, path) for name, sensor in SENSORS.items()}
    signals = {name: values for name, values in found.items() if values is not None}
    if not signals:
        raise DataError("has no sensor of WESAD", where=path, remedy=_REMEDY)
    _check_lengths(signals, len(labels) / LABEL_RATE, path)
    return Person(signals, labels)


def _number(name: str) -> str:
    """The number of a person, of ``S2`` or ``s02``."""
    return name.strip().lstrip("sS").lstrip("0")


def _signal(devices: Mapping[Any, Any], name: str, sensor: Sensor, path: Path) -> NDArray[Any] | None:
    device = devices.get(sensor.device)
    keys = {str(key).lower(): key for key in device} if isinstance(device, dict) else {}
    if not isinstance(device, dict) or sensor.key.lower() not in keys:
        return None
    values, n_channels = device[keys[sensor.key.lower()]], len(sensor.channels)
    if not isinstance(values, np.ndarray) or values.ndim != 2 or values.shape[1] != n_channels:
        shape = getattr(values, "shape", type(values).__name__)
        message = f"{name} has the shape {shape}, not (time, {n_channels})"
        raise DataError(message, where=path, remedy=_REMEDY)
    return values.T


def _check_lengths(signals: Mapping[str, NDArray[Any]], seconds: float, path: Path) -> None:
    for name, values in signals.items():
        lasts = values.shape[1] / SENSORS[name].rate
        if abs(lasts - seconds) > _SLACK_S:
            message = f"{name} lasts {lasts:.1f} s at {SENSORS[name].rate} Hz, where the labels last {seconds:.1f} s"
            raise DataError(message, where=path, remedy=_REMEDY)


def find_phases(labels: NDArray[Any], path: Path) -> list[Phase]:
    """The runs of conditions in labels ``(time,)``; raises DataError for labels that WESAD does not have."""
    known = IGNORED | {state + 1 for state in range(len(STATES))}
    edges = np.flatnonzero(np.diff(labels, prepend=labels[0] - 1, append=labels[-1] - 1)).tolist()
    phases = []
    for start, stop in itertools.pairwise(edges):
        label = int(labels[start])
        if label not in known:
            raise DataError(f"has the label {label}, outside 0-7", where=path, remedy=_REMEDY)
        begin, end = (
            math.ceil(start * _GRID / LABEL_RATE) / _GRID,
            math.floor(stop * _GRID / LABEL_RATE) / _GRID,
        )
        if label not in IGNORED and end > begin:
            phases.append(Phase(label - 1, begin, end))
    return phases


def check_recording(path: Path) -> None:
    """Raise DataError for a file that `load_person` refuses, and for one whose labels are of no condition."""
    _load_phases(path)


def _load_phases(path: Path) -> tuple[Person, list[Phase]]:
    person = load_person(path)
    phases = find_phases(person.labels, path)
    if not phases:
        raise DataError("has no label of a condition", where=path, remedy=_REMEDY)
    return person, phases


def read_windows(path: Path, unit: str, windows: Windows, chest_rate: int) -> Iterator[Sample | DataError]:
    """The windows of a person, condition by condition."""
    person, phases = _load_phases(path)
    for number, phase in enumerate(phases, 1):
        trial = f"{unit}/{number}-{STATES[phase.state]}"
        signals = {name: _cut(values, SENSORS[name], phase, chest_rate) for name, values in person.signals.items()}
        groups = {"subject": unit, "trial": trial}
        yield from cut_samples(
            windows, signals, trial, _labels(phase.state), groups, where=str(path), begin=phase.start
        )


def _labels(state: int) -> dict[str, int]:
    labels = {"condition": state}
    if STATES[state] != "meditation":
        labels |= {"state": state, "stress": int(STATES[state] == "stress")}
    return labels


def _cut(values: NDArray[Any], sensor: Sensor, phase: Phase, chest_rate: int) -> Signal:
    """The part of a signal in a phase, in the unit of the samples."""
    first = round(phase.start * sensor.rate)
    part = values[:, first : first + phase.samples(sensor.rate)]
    wanted = chest_rate if sensor.device == "chest" else None
    return Signal(part / sensor.divisor if sensor.divisor != 1 else part, sensor.rate, wanted)
