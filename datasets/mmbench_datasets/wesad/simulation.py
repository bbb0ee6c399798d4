"""Simulated recordings in WESAD's file format."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench import written_whole
from mmbench_datasets.shared.simulated_signals import Trial, simulate_bands, simulate_pulse
from mmbench_datasets.simulated import begin_simulation
from mmbench_datasets.wesad.sensors import LABEL_RATE, SENSORS, Sensor

_GAP_S = 7
_PULSES = {"chest_ecg", "wrist_bvp"}
_EDGES = {"acc": (0.1, 1.0, 15.0), "emg": (10.0, 60.0, 200.0), "eda": (0.02, 0.1, 0.5), "temp": (0.01, 0.1, 0.5)}
_RESPIRATION = (0.1, 0.25, 0.5)
_LEVELS = {"acc": 0.5, "emg": 0.0, "eda": 4.0, "temp": 33.0, "resp": 0.0, "ecg": 0.0, "bvp": 0.0}
_STATE_SCORES = {1: (0.0, 0.0), 2: (2.0, -0.5), 3: (-0.5, 2.0), 4: (-1.5, -1.5)}
_WEIGHTS = {"chest": np.array([1.0, 0.3]), "wrist": np.array([0.3, 1.0])}


def write_simulation(root: Path, *, subjects: int, seed: int, strength: float, seconds: float) -> None:
    """Write ``SN/SN.pkl`` of ``subjects`` people that are not there yet."""
    begin_simulation(root, "wesad", subjects=subjects, seed=seed, strength=strength, seconds=seconds)
    for person in range(2, subjects + 2):
        path = root / f"S{person}" / f"S{person}.pkl"
        if not path.is_file():
            with written_whole(path) as temporary, temporary.open("wb") as file:
                pickle.dump(_simulate(person, seed, strength, round(seconds)), file, protocol=4)


def _simulate(person: int, seed: int, strength: float, seconds: int) -> dict[str, Any]:
    """The content of a person's file: stress comes before amusement for half of the people, after it for the others."""
    middle = [2, 3] if person % 2 else [3, 2]
    order = [0, 1, 0, middle[0], 0, 4, 0, middle[1], 0, 4, 0]
    lengths = [seconds if label else _GAP_S for label in order]
    labels = np.repeat(np.array(order, np.int32), np.array(lengths) * LABEL_RATE)
    signals: dict[str, dict[str, NDArray[Any]]] = {"chest": {}, "wrist": {}}
    for stream, (name, sensor) in enumerate(SENSORS.items()):
        parts = []
        for number, (label, length) in enumerate(zip(order, lengths, strict=True)):
            scores = strength * _WEIGHTS[sensor.device] * _STATE_SCORES.get(label, (0.0, 0.0))
            parts.append(_part(Trial(seed, person, number, scores), stream, name, sensor, length))
        signals[sensor.device][sensor.key] = np.concatenate(parts, axis=1).T.astype(np.float32)
    return {"signal": signals, "label": labels, "subject": f"S{person}"}


def _part(trial: Trial, stream: int, name: str, sensor: Sensor, seconds: int) -> NDArray[np.float64]:
    """One sensor ``(channels, time)`` during a condition, in the unit of the file."""
    kind, n_samples = name.partition("_")[2], seconds * sensor.rate
    if name in _PULSES:
        return simulate_pulse(trial, stream, n_samples, sensor.rate)[None]
    edges = _RESPIRATION if kind == "resp" else _EDGES[kind]
    noise = simulate_bands(trial, stream, len(sensor.channels), n_samples, sensor.rate, edges)
    return np.asarray(sensor.divisor * (_LEVELS[kind] + 0.1 * noise))
