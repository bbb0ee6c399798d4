"""Simulated features in SEED-IV's files."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench import SpecError
from mmbench_datasets.seed_iv.layout import EEG_FOLDER, EMOTIONS, EYE_FOLDER, LABELS, N_BANDS, N_CHANNELS, N_EYE
from mmbench_datasets.shared.mat_writer import write_mat
from mmbench_datasets.shared.simulated_signals import Trial, simulate_features, smooth
from mmbench_datasets.simulated import begin_simulation

_WEIGHTS = {"eeg": np.array([0.7, 0.7, 0.25, 0.25]), "eye": np.array([0.2, 0.2, 0.6, 0.6])}
_WIDTHS = (N_CHANNELS * N_BANDS, N_EYE)


def write_simulation(root: Path, *, subjects: int, seed: int, strength: float, windows: int) -> None:
    """Write the files of ``subjects`` people that are not there yet."""
    if not 4 <= windows <= 1000:
        raise SpecError(f"windows is {windows}", where="seed-iv.simulate", remedy="give 4 to 1000")
    begin_simulation(root, "seed-iv", subjects=subjects, seed=seed, strength=strength, windows=windows)
    for person in range(1, subjects + 1):
        for session, labels in LABELS.items():
            name = f"{person}_2016010{session}.mat"
            eeg, eye = root / EEG_FOLDER / str(session) / name, root / EYE_FOLDER / str(session) / name
            if not (eeg.is_file() and eye.is_file()):
                _write(eeg, eye, person, session, labels, seed, strength, windows)


def _write(
    eeg: Path, eye: Path, person: int, session: int, labels: tuple[int, ...], seed: int, strength: float, windows: int
) -> None:
    of_eeg: dict[str, NDArray[np.float64]] = {}
    of_eye: dict[str, NDArray[np.float64]] = {}
    for number, label in enumerate(labels, 1):
        emotion = np.eye(len(EMOTIONS))[label]
        n_windows = windows + (number % 3 - 1) * (windows // 5)
        trial = 100 * session + number
        whole = {
            name: simulate_features(
                Trial(seed, person, trial, strength * weights * emotion), at, n_windows, _WIDTHS[at]
            )
            for at, (name, weights) in enumerate(_WEIGHTS.items())
        }
        for kind, entropy in {"LDS": smooth(whole["eeg"], 0.2), "movingAve": _average(whole["eeg"])}.items():
            values = np.moveaxis(entropy.reshape(n_windows, N_CHANNELS, N_BANDS), 1, 0)
            of_eeg[f"de_{kind}{number}"] = values
            of_eeg[f"psd_{kind}{number}"] = np.exp(2 * values) / (2 * np.pi * np.e)
        of_eye[f"eye_{number}"] = smooth(whole["eye"], 0.5).T
    write_mat(eye, of_eye)
    write_mat(eeg, of_eeg)


def _average(values: NDArray[np.float64], n: int = 5) -> NDArray[np.float64]:
    """Means over ``n`` neighbouring windows, fewer at the ends."""
    sums = np.cumsum(np.concatenate([np.zeros((1, values.shape[1])), values]), axis=0)
    at = np.arange(len(values))
    low, high = np.maximum(at - n // 2, 0), np.minimum(at + n // 2 + 1, len(values))
    return np.asarray((sums[high] - sums[low]) / (high - low)[:, None])
