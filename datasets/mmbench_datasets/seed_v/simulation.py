"""Simulated features in SEED-V's files."""

import pickle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench import SpecError, written_whole
from mmbench_datasets.seed_v.layout import EMOTIONS, FOLDERS, N_TRIALS, PER_SESSION, WIDTHS
from mmbench_datasets.shared.simulated_signals import Trial, simulate_features
from mmbench_datasets.simulated import begin_simulation

_WEIGHTS = {"eeg": np.array([1.0, 1.0, 1.0, 0.4, 0.4]), "eye": np.array([0.4, 0.4, 0.4, 1.0, 1.0])}


def write_simulation(root: Path, *, subjects: int, seed: int, strength: float, windows: int) -> None:
    """Write the files of ``subjects`` people that are not there yet."""
    if not 1 <= windows <= 1000:
        raise SpecError(f"windows is {windows}", where="seed-v.simulate", remedy="give 1 to 1000")
    begin_simulation(root, "seed-v", subjects=subjects, seed=seed, strength=strength, windows=windows)
    # Every emotion three times a session, in an order of its own.
    orders = np.random.default_rng([seed, 7])
    labels = np.concatenate([orders.permutation(np.arange(PER_SESSION) % len(EMOTIONS)) for _ in range(3)]).tolist()
    for person in range(1, subjects + 1):
        for stream, (modality, folder) in enumerate(FOLDERS.items()):
            path = root / folder / f"{person}_123.npz"
            if path.is_file():
                continue
            features: dict[int, NDArray[np.float64]] = {}
            for number in range(N_TRIALS):
                scores = strength * _WEIGHTS[modality] * np.eye(len(EMOTIONS))[labels[number]]
                n_windows = windows + number % 3
                features[number] = simulate_features(
                    Trial(seed, person, number, scores), stream, n_windows, WIDTHS[modality]
                )
            of_windows = {number: np.full(len(features[number]), labels[number]) for number in range(N_TRIALS)}
            with written_whole(path) as temporary, temporary.open("wb") as file:
                np.savez(file, data=pickle.dumps(features, 3), label=pickle.dumps(of_windows, 3))
