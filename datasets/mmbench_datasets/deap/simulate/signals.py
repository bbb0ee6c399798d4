"""Simulated EEG and peripheral signals that identify person and trial and depend weakly on the ratings.

The EEG of a trial is the activity of one source below each electrode, and evoked responses. Sources are noise whose
spectrum differs by source: 1/f, an alpha peak, and log-normal gains of four bands. Log gains are the sum of a person
effect, a trial effect (both independent of the ratings) and, on a few sources and with the same pattern for everybody,
an effect of the ratings. Responses follow a beat, one each second from the start of the trial, with the same shape for
everybody; the ratings set their size. Every electrode records all sources, the near ones most (volume conduction).
"""

import numpy as np
from numpy.typing import NDArray

from mmbench_datasets.deap.layout import DATA_SHAPE, EEG_CHANNELS, N_SAMPLES, RATE
from mmbench_datasets.deap.simulate.electrodes import mix_sources
from mmbench_datasets.deap.simulate.ratings import make_ratings
from mmbench_datasets.shared.seeding import make_rng

Signals = NDArray[np.float64]

_BANDS = ((4.0, 8.0), (8.0, 14.0), (14.0, 31.0), (31.0, 45.0))
_ALPHA, _BETA = 1, 2
_N_EEG = len(EEG_CHANNELS)
_LEFT = ("AF3", "F3", "F7", "FC5")
_RIGHT = ("AF4", "F4", "F8", "FC6")
_BACK = ("P7", "PO3", "O1", "P8", "PO4", "O2")
_CENTRE = ("Fz", "FC1", "FC2", "Cz")

# Standard deviations and weights of log amplitudes.
_PERSON = 0.3
_TRIAL = 0.45
_AFFECT = 0.5
# The EEG tells arousal better than valence.
_VALENCE, _AROUSAL = 0.25, 1.1
# Standard deviation of the trial effect along the pattern of the ratings, in the unit of the scores (-1 to 1).
_CONFUSION = 0.35
_MICROVOLT = 8.0
_SENSOR = 0.1  # noise of each electrode, relative to the EEG
_RESPONSE, _RESPONSE_MEAN = 0.35, 0.2  # relative to the EEG, for each unit of the scores and without ratings


def simulate_signals(seed: int, participant: int, strength: float, power: float = 1.0, evoked: float = 1.0) -> Signals:
    """Signals (40, 40, 8064) of one person, rows by Experiment_id; ``power`` and ``evoked`` as in `simulate_eeg`."""
    data = np.empty(DATA_SHAPE)
    scores = make_ratings(seed, participant).scores
    for row, (valence, arousal) in enumerate(strength * scores):
        data[row, :_N_EEG] = simulate_eeg(seed, participant, row + 1, valence, arousal, power, evoked)
        data[row, _N_EEG:] = simulate_peripheral(seed, participant, row + 1, arousal)
    return data


def simulate_eeg(
    seed: int,
    participant: int,
    experiment: int,
    valence: float,
    arousal: float,
    power: float = 1.0,
    evoked: float = 1.0,
) -> Signals:
    """One trial (32, 8064) in µV: 4-45 Hz, average reference, so of rank 31.

    ``power`` scales the effect of the ratings on band power, ``evoked`` that on evoked responses.
    """
    own = make_rng("person", seed, participant)
    person = own.normal(0, _PERSON, (_N_EEG, len(_BANDS)))
    rng = make_rng("eeg", seed, participant, experiment)
    trial = rng.normal(0, _TRIAL, (_N_EEG, len(_BANDS)))
    affect = np.array([_VALENCE * valence, _AROUSAL * arousal]) + rng.normal(0, _CONFUSION, 2)
    gains = person + trial + power * _AFFECT * np.tensordot(affect, _patterns(), 1)
    eeg = mix_sources(_noise(rng, gains))
    eeg /= eeg.std()
    size = _RESPONSE_MEAN + evoked * _RESPONSE * (affect[1] + rng.normal(0, _CONFUSION))
    eeg += size * own.uniform(0.7, 1.3) * mix_sources(_response())
    eeg += _SENSOR * _noise(rng, np.zeros((_N_EEG, len(_BANDS))))
    eeg -= eeg.mean(axis=0)
    return np.asarray(eeg * (_MICROVOLT / eeg.std()))


def _patterns() -> Signals:
    """Effects (2, 32, 4) of valence (frontal alpha asymmetry) and arousal (posterior beta up, alpha down) on gains."""
    patterns = np.zeros((2, _N_EEG, len(_BANDS)))
    for names, affect, band, sign in (
        (_LEFT, 0, _ALPHA, -1.0),
        (_RIGHT, 0, _ALPHA, 1.0),
        (_BACK, 1, _ALPHA, -1.0),
        (_BACK, 1, _BETA, 1.0),
    ):
        patterns[affect, [EEG_CHANNELS.index(name) for name in names], band] = sign
    return patterns


def _response() -> Signals:
    """Evoked responses (32, 8064) of frontocentral sources: 6 Hz waves of 0.3 s after each second, within 4-45 Hz."""
    time = np.arange(N_SAMPLES) / RATE % 1.0
    wave = np.exp(-0.5 * ((time - 0.2) / 0.08) ** 2) * np.cos(2 * np.pi * 6 * (time - 0.2))
    spectrum, frequencies = np.fft.rfft(wave), np.fft.rfftfreq(N_SAMPLES, 1 / RATE)
    spectrum[(frequencies < _BANDS[0][0]) | (frequencies >= _BANDS[-1][1])] = 0
    sources = np.zeros((_N_EEG, N_SAMPLES))
    sources[[EEG_CHANNELS.index(name) for name in _CENTRE]] = np.fft.irfft(spectrum, N_SAMPLES)
    return sources


def _noise(rng: np.random.Generator, gains: Signals) -> Signals:
    """Noise (n, 8064), of unit size where ``gains`` (n, 4), the log amplitudes of the bands, are zero."""
    frequencies = np.fft.rfftfreq(N_SAMPLES, 1 / RATE)
    spectrum = np.zeros((len(gains), len(frequencies)), np.complex128)
    for band, (low, high) in enumerate(_BANDS):
        inside = np.flatnonzero((frequencies >= low) & (frequencies < high))
        f = frequencies[inside]
        shape = (f**-0.5 + 0.6 * np.exp(-0.5 * ((f - 10) / 1.2) ** 2)) * np.sqrt(N_SAMPLES * RATE / 8)
        draws = rng.standard_normal((2, len(gains), len(f)))
        spectrum[:, inside] = np.exp(gains[:, band, None]) * shape * (draws[0] + 1j * draws[1])
    return np.fft.irfft(spectrum, N_SAMPLES, axis=1)


def simulate_peripheral(seed: int, participant: int, experiment: int, arousal: float) -> Signals:
    """The eight peripheral channels (8, 8064) in DEAP's order, GSR in nS; the heart rate rises with arousal."""
    rng = make_rng("peripheral", seed, participant, experiment)
    time = np.arange(N_SAMPLES) / RATE
    noise = rng.standard_normal((8, N_SAMPLES))
    drift = np.cumsum(noise, axis=1) / np.sqrt(N_SAMPLES)
    heart = (70 + 5 * arousal + rng.normal(0, 6)) / 60
    breath = 0.25 + rng.normal(0, 0.03)
    beat = 2 * np.pi * heart * time + 0.3 * np.sin(2 * np.pi * breath * time)
    return np.stack([
        60 * drift[0] + 5 * noise[0],
        60 * drift[1] + 5 * noise[1],
        12 * noise[2],
        12 * noise[3],
        np.maximum(3000 + 800 * drift[4] + 200 * rng.normal(), 300),
        600 * np.sin(2 * np.pi * breath * time + 0.5 * drift[5]) + 20 * noise[5],
        900 * (np.cos(beat) + 0.35 * np.cos(2 * beat + 1)) + 30 * noise[6],
        0.02 * drift[7] + 0.0005 * noise[7] + 0.01 * rng.normal(),
    ])  # fmt: skip
