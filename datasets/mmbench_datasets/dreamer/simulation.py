"""Simulated recordings in DREAMER's file format."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench_datasets.dreamer.dataset import CHANNELS, ECG_RATE, EEG_RATE, FILE, LEADS, RATINGS
from mmbench_datasets.shared.mat_writer import make_cells, write_mat
from mmbench_datasets.shared.simulated_signals import Trial, simulate_bands, simulate_pulse, simulate_ratings
from mmbench_datasets.simulated import begin_simulation

_N_FILMS = 18
_BASELINE_S = 4.0  # DREAMER's last 61 s
_EDGES = (1.0, 4.0, 8.0, 14.0, 31.0, 45.0)  # Hz
_OFFSET, _MICROVOLTS = 4200.0, 20.0  # of the headset; of the EEG
_WEIGHTS = {"eeg": np.array([0.4, 1.0, 0.7]), "ecg": np.array([1.0, 0.2, 0.2])}  # of valence, arousal, dominance
_STREAMS = {"eeg": 0, "ecg": 1}


def write_simulation(root: Path, *, subjects: int, seed: int, strength: float, seconds: float) -> None:
    """Write DREAMER.mat of ``subjects`` people; films last ``seconds`` times 0.9 to 1.1."""
    begin_simulation(root, "dreamer", subjects=subjects, seed=seed, strength=strength, seconds=seconds)
    if (root / FILE).is_file():
        return
    lengths = np.random.default_rng([seed, 7]).uniform(0.9, 1.1, _N_FILMS) * seconds
    people = make_cells(_simulate(person, seed, strength, lengths.tolist()) for person in range(1, subjects + 1))
    described = {
        "Data": people,
        "EEG_SamplingRate": EEG_RATE,
        "ECG_SamplingRate": ECG_RATE,
        "EEG_Electrodes": make_cells(CHANNELS),
        "noOfSubjects": float(subjects),
        "noOfVideoSequences": float(_N_FILMS),
        "Disclaimer": "simulated by mmbench: no recordings of people",
    }
    write_mat(root / FILE, {"DREAMER": described})


def _simulate(person: int, seed: int, strength: float, lengths: list[float]) -> dict[str, Any]:
    """The struct of a person."""
    ratings, scores = simulate_ratings(seed, person, _N_FILMS, (1, 5), len(RATINGS))
    films: dict[str, dict[str, list[NDArray[np.float64]]]] = {
        key: {"baseline": [], "stimuli": []} for key in ("EEG", "ECG")
    }
    for film, seconds in enumerate(lengths):
        for part, duration, felt in (("baseline", _BASELINE_S, 0.0), ("stimuli", seconds, strength)):
            trial = 2 * film + (part == "stimuli")
            felt_scores = {key: felt * weights * scores[film] for key, weights in _WEIGHTS.items()}
            films["EEG"][part].append(_eeg(Trial(seed, person, trial, felt_scores["eeg"]), duration))
            films["ECG"][part].append(_ecg(Trial(seed, person, trial, felt_scores["ecg"]), duration))
    return {
        "Age": "simulated",
        "Gender": "simulated",
        **{key: {part: make_cells(each, column=True) for part, each in parts.items()} for key, parts in films.items()},
        **{f"Score{name.title()}": ratings[:, [at]] for at, name in enumerate(RATINGS)},
    }


def _eeg(trial: Trial, seconds: float) -> NDArray[np.float64]:
    """EEG ``(time, 14)``."""
    n_samples = round(seconds * EEG_RATE)
    bands = simulate_bands(trial, _STREAMS["eeg"], len(CHANNELS), n_samples, EEG_RATE, _EDGES)
    return np.asarray(_OFFSET + _MICROVOLTS * bands.T)


def _ecg(trial: Trial, seconds: float) -> NDArray[np.float64]:
    """Two leads ``(time, 2)`` of one pulse."""
    pulse = simulate_pulse(trial, _STREAMS["ecg"], round(seconds * ECG_RATE), ECG_RATE)
    chance = trial.generator(_STREAMS["ecg"] + 10)
    return np.asarray(pulse[:, None] * [1.0, 0.7] + chance.normal(0, 0.02, (len(pulse), len(LEADS))))
