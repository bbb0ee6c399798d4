"""Simulated digits in the files of FSDD."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench import SpecError
from mmbench_datasets.fsdd.dataset import RATE
from mmbench_datasets.shared.wave_files import write_wave
from mmbench_datasets.simulated import begin_simulation

_PITCHES = (300.0, 3000.0)  # Hz, of the tones
_SECONDS = (0.25, 0.6)


def write_simulation(root: Path, *, subjects: int, seed: int, strength: float, takes: int) -> None:
    """Write the files of ``subjects`` speakers into ``root/recordings``; those that are there stay.

    The pitches of a take move from those of no digit at ``strength`` 0 to those of its digit at 1 and beyond.
    """
    if not 1 <= takes <= 100:
        raise SpecError(f"takes is {takes}", where="fsdd.simulate", remedy="give 1 to 100")
    begin_simulation(root, "fsdd", subjects=subjects, seed=seed, strength=strength, takes=takes)
    for speaker in range(1, subjects + 1):
        for digit in range(10):
            for take in range(takes):
                path = root / "recordings" / f"{digit}_speaker{speaker:02d}_{take}.wav"
                if not path.is_file():
                    write_wave(path, _simulate(speaker, digit, take, seed, strength), RATE)


def _simulate(speaker: int, digit: int, take: int, seed: int, strength: float) -> NDArray[np.int16]:
    person, chance = np.random.default_rng([seed, 1, speaker]), np.random.default_rng([seed, 2, speaker, digit, take])
    voice, loudness = person.uniform(0.9, 1.1), person.uniform(0.2, 0.6)
    time = np.arange(round(chance.uniform(*_SECONDS) * person.uniform(0.9, 1.1) * RATE)) / RATE
    share = time / time[-1]
    wanted = np.log(np.random.default_rng([seed, 3, digit]).uniform(*_PITCHES, (2, 2)))  # tone × begin, end
    middle = np.log(_PITCHES).mean()
    begin, end = (voice * np.exp(middle + strength * (wanted.T - middle) + chance.normal(0, 0.05, (2, 2))))[:, :, None]
    phase = 2 * np.pi * np.cumsum(begin + (end - begin) * share, axis=1) / RATE
    sound = loudness * np.sin(np.pi * share) * np.sin(phase).mean(axis=0) + chance.normal(0, 0.01, len(time))
    return np.asarray(np.round(np.clip(sound, -1, 1) * 32767), "<i2")
