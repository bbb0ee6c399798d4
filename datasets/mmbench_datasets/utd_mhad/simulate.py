"""Simulated recordings in the files of UTD-MHAD."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench import written_whole
from mmbench_datasets.simulated import begin_simulation
from mmbench_datasets.utd_mhad.layout import JOINTS, STREAMS, Recording, list_recordings

_MOVEMENTS = 9
_SECONDS = (1.4, 4.1)  # shortest and longest skeleton; the inertial sensor records 1.5 times as long
_SCALE = {"inertial": np.repeat([[0.5], [60.0]], 3, axis=0), "skeleton": np.array([[0.1]])}  # g and degrees/s; m
_HEADER = b"MATLAB 5.0 MAT-file, simulated by mmbench".ljust(116)  # in place of scipy's, which has the time of writing


def write_simulation(root: Path, *, subjects: int, seed: int, strength: float) -> None:
    """Write the files of ``subjects`` people that are not there yet.

    An action is a movement of the sensor, ``(action - 1) // 3``, and one of the skeleton, ``(action - 1) % 9``: sums of
    two sines with phases of each channel, times ``strength``. Person and repetition change size, tempo and place, and
    there is noise; the duration is drawn independently of the action.
    """
    begin_simulation(root, "utd-mhad", subjects=subjects, seed=seed, strength=strength)
    for subject in range(1, subjects + 1):
        for recording in list_recordings(subject):
            for name, values in _simulate(recording, seed, strength).items():
                _write(root, recording, name, values)


def _simulate(recording: Recording, seed: int, strength: float) -> dict[str, NDArray[np.float64]]:
    """``inertial`` (6, time) and ``skeleton`` (60, time)."""
    person = np.random.default_rng([seed, 1, recording.subject])
    size, tempo = person.uniform(0.8, 1.2), person.uniform(0.9, 1.1)
    place = {"inertial": person.normal(0, 0.3, 6)[:, None] * _SCALE["inertial"], "skeleton": _pose(person)}
    chance = np.random.default_rng([seed, 2, *recording])
    seconds = chance.uniform(*_SECONDS)
    movements = {"inertial": (recording.action - 1) // 3, "skeleton": (recording.action - 1) % _MOVEMENTS}
    made = {}
    for name, stream in STREAMS.items():
        length = round(seconds * stream.rate * (1.5 if name == "inertial" else 1))
        n_channels = len(stream.channels)
        movement = _movement(seed, name, movements[name], n_channels, tempo * chance.uniform(0.95, 1.05), length)
        noise = chance.normal(0, 0.3, (n_channels, length))
        made[name] = place[name] + _SCALE[name] * (strength * size * movement + noise)
    return made


def _movement(seed: int, name: str, number: int, n_channels: int, tempo: float, length: int) -> NDArray[np.float64]:
    """Sines of one and two cycles per recording with amplitudes and phases of the movement, ``(channels, length)``."""
    drawn = np.random.default_rng([seed, 3, [*STREAMS].index(name), number])
    time = tempo * np.linspace(0, 1, length)
    amplitudes, phases = drawn.normal(0, 1, (2, n_channels, 1)), drawn.uniform(0, 2 * np.pi, (2, n_channels, 1))
    waves = [amplitudes[at] * np.sin(2 * np.pi * (at + 1) * time + phases[at]) for at in range(2)]
    total: NDArray[np.float64] = np.sum(waves, axis=0)
    return total


def _pose(person: np.random.Generator) -> NDArray[np.float64]:
    """A person's joints at rest, in m, ``(60, 1)``: somewhere about 2.8 m in front of the camera."""
    where = np.array([0.0, 0.0, 2.8]) + person.normal(0, 0.1, 3)
    return (where + person.normal(0, 0.3, (len(JOINTS), 3))).reshape(-1, 1)


def _write(root: Path, recording: Recording, name: str, values: NDArray[np.float64]) -> None:
    from scipy.io import savemat

    stream = STREAMS[name]
    path = root / stream.folder / f"{recording.stem}{stream.suffix}"
    if path.is_file():
        return
    array: NDArray[Any] = values.T if name == "inertial" else values.reshape(*stream.axes, -1)
    with written_whole(path) as temporary:
        savemat(temporary, {stream.array: array}, do_compression=True)
        with temporary.open("r+b") as file:
            file.write(_HEADER)
