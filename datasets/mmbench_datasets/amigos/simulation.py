"""Simulated recordings in AMIGOS' files."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench_datasets.amigos.layout import BASELINE_S, EEG, EMOTIONS, N_SHORT, N_TRIALS, RATE, RATINGS
from mmbench_datasets.shared.mat_writer import make_cells, write_mat
from mmbench_datasets.shared.simulated_signals import Trial, simulate_bands, simulate_pulse, simulate_ratings
from mmbench_datasets.simulated import begin_simulation

_WITHOUT_LONG = frozenset({8, 24, 28})  # as in AMIGOS
_EMPTY = {9: {4}}  # person, and videos that were not recorded
_EEG_EDGES, _GSR_EDGES = (4.0, 8.0, 14.0, 31.0, 45.0), (0.05, 0.3, 1.0)  # Hz
_MICROVOLTS = 10.0
# Of arousal, valence, dominance, liking, familiarity.
_WEIGHTS = {
    "eeg": np.array([1.0, 0.4, 0.4, 0.4, 0.4]),
    "ecg": np.array([0.3, 1.0, 0.3, 0.3, 0.0]),
    "gsr": np.array([1.0, 0.3, 0.0, 0.0, 0.0]),
}


def write_simulation(root: Path, *, subjects: int, seed: int, strength: float, seconds: float) -> None:
    """Write the files of ``subjects`` people that are not there yet; long videos last twice as long as short ones."""
    begin_simulation(root, "amigos", subjects=subjects, seed=seed, strength=strength, seconds=seconds)
    lengths = np.random.default_rng([seed, 7]).uniform(0.9, 1.1, N_TRIALS) * seconds
    lengths[N_SHORT:] *= 2
    for person in range(1, subjects + 1):
        path = root / f"Data_Preprocessed_P{person:02d}.mat"
        if not path.is_file():
            _write(path, person, seed, strength, lengths)


def _write(path: Path, person: int, seed: int, strength: float, lengths: NDArray[np.float64]) -> None:
    ratings, scores = simulate_ratings(seed, person, N_TRIALS, (1, 9), len(RATINGS))
    felt = np.random.default_rng([seed, 8, person]).random((N_TRIALS, len(EMOTIONS))) < 0.25
    absent = _EMPTY.get(person, set()) | (set(range(N_SHORT, N_TRIALS)) if person in _WITHOUT_LONG else set())
    signals, labels = [], []
    for number in range(N_TRIALS):
        if number in absent:
            signals.append(np.zeros((0, 0)))
            labels.append(np.zeros((0, 0)))
        else:
            felt_scores = {name: strength * weights * scores[number] for name, weights in _WEIGHTS.items()}
            trials = {name: Trial(seed, person, number, each) for name, each in felt_scores.items()}
            signals.append(_simulate(trials, round((BASELINE_S + lengths[number]) * RATE)))
            labels.append(np.concatenate([ratings[number], felt[number]])[None])
    videos = make_cells(f"video{number + 1}" for number in range(N_TRIALS))
    cells = {"joined_data": make_cells(signals), "labels_selfassessment": make_cells(labels), "VideoIDs": videos}
    write_mat(path, cells)


def _simulate(trials: dict[str, Trial], n_samples: int) -> NDArray[np.float64]:
    """The recording of a video ``(time, 17)``."""
    eeg = _MICROVOLTS * simulate_bands(trials["eeg"], 0, len(EEG), n_samples, RATE, _EEG_EDGES)
    pulse = simulate_pulse(trials["ecg"], 1, n_samples, RATE)
    noise = trials["ecg"].generator(11).normal(0, 0.02, (2, n_samples))
    gsr = 3 + 0.2 * simulate_bands(trials["gsr"], 2, 1, n_samples, RATE, _GSR_EDGES)
    return np.concatenate([eeg, np.array([[1.0], [0.7]]) * pulse + noise, gsr]).T
