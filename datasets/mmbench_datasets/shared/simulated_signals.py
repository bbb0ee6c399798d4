"""Simulated physiological signals, in which ratings or states change band power and pulse by a known strength.

Every trial has a spectrum of its own beside the effect of its labels, so that its windows recognise each other: a split
that shuffles windows leaks, and an audit can show it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_EFFECT, _PERSON, _TRIAL = 0.25, 0.3, 0.3  # deviations of the log amplitude of a band and channel


@dataclass(frozen=True)
class Trial:
    """A stretch of a simulated recording: number of the person and the trial, and the effect of its labels.

    ``scores`` ``(n,)`` are what the labels scale: about -1 to 1 each, already times the strength.
    """

    seed: int
    person: int
    trial: int
    scores: NDArray[np.float64]

    def generator(self, stream: int) -> np.random.Generator:
        """The random numbers of one signal of this trial."""
        return np.random.default_rng([self.seed, 1, stream, self.person, self.trial])


def draw_log_gains(trial: Trial, stream: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Log amplitudes of ``shape``: those of the person and the trial, and of each score along a fixed direction."""
    directions = np.random.default_rng([trial.seed, 2, stream]).normal(0, _EFFECT, (len(trial.scores), *shape))
    person = np.random.default_rng([trial.seed, 3, stream, trial.person]).normal(0, _PERSON, shape)
    own = np.random.default_rng([trial.seed, 4, stream, trial.person, trial.trial]).normal(0, _TRIAL, shape)
    return np.asarray(np.tensordot(trial.scores, directions, 1) + person + own)


def simulate_bands(
    trial: Trial, stream: int, n_channels: int, n_samples: int, rate: float, edges: tuple[float, ...]
) -> NDArray[np.float64]:
    """Noise ``(n_channels, n_samples)`` of deviation about 1, with a gain for each band between ``edges`` (Hz)."""
    gains = np.exp(draw_log_gains(trial, stream, (n_channels, len(edges) - 1)))
    frequencies = np.fft.rfftfreq(n_samples, 1 / rate)
    band = np.clip(np.searchsorted(edges, frequencies, "right") - 1, 0, len(edges) - 2)
    shape = 1 / np.sqrt(np.maximum(frequencies, edges[0])) * (frequencies > 0)
    scale = np.sqrt((shape**2).sum() * 2) / n_samples
    noise = trial.generator(stream).normal(size=(2, n_channels, len(frequencies)))
    spectrum = (noise[0] + 1j * noise[1]) / np.sqrt(2) * gains[:, band] * shape / scale
    return np.asarray(np.fft.irfft(spectrum, n_samples))


def simulate_pulse(trial: Trial, stream: int, n_samples: int, rate: float) -> NDArray[np.float64]:
    """A pulse ``(n_samples,)`` with beats of height 1; its rate is 60 to 80 a minute, and moves with the scores."""
    beats = 70 * np.exp(0.35 * float(draw_log_gains(trial, stream, ())))
    chance = trial.generator(stream)
    phase = np.cumsum(beats / 60 / rate * np.exp(chance.normal(0, 0.05, n_samples))) + chance.uniform()
    return np.asarray(np.exp(-(((phase % 1 - 0.5) / 0.06) ** 2) / 2) + chance.normal(0, 0.05, n_samples))


def simulate_ratings(
    seed: int, person: int, n_stimuli: int, scale: tuple[int, int], n_ratings: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Whole ratings ``(n_stimuli, n_ratings)`` on a scale from lowest to highest, and the scores behind them, -1 to 1.

    Half of the variance is that of the stimulus, for everybody, half of it that of the person. High and low ratings are
    about equally many.
    """
    common = _standardise(np.random.default_rng([seed, 5]).normal(0, 1, (n_stimuli, n_ratings)))
    own = _standardise(np.random.default_rng([seed, 6, person]).normal(0, 1, (n_stimuli, n_ratings)))
    scores = np.clip((common + own) / 2, -1, 1)
    middle, half = sum(scale) / 2, (scale[1] - scale[0]) / 2
    return np.asarray(np.round(middle + half * scores)), scores


def simulate_features(trial: Trial, stream: int, n_windows: int, width: int) -> NDArray[np.float64]:
    """Features ``(n_windows, width)``: noise of each window around what the person, the trial and the scores add.

    Each score adds a vector of length 1.
    """
    directions = np.random.default_rng([trial.seed, 2, stream]).normal(size=(len(trial.scores), width))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    person = np.random.default_rng([trial.seed, 3, stream, trial.person]).normal(0, _PERSON, width)
    own = np.random.default_rng([trial.seed, 4, stream, trial.person, trial.trial]).normal(0, _TRIAL / 2, width)
    noise = trial.generator(stream).normal(0, _TRIAL, (n_windows, width))
    return np.asarray(trial.scores @ directions + person + own + noise)


def smooth(values: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Features ``(windows, width)`` smoothed over the whole trial, forwards and then backwards in time.

    Each window keeps ``share`` of its own value; the rest is that of the windows before it, then of those after it.
    """
    smoothed = values.copy()
    for order in (range(1, len(values)), range(len(values) - 2, -1, -1)):
        for at in order:
            neighbour = smoothed[at - 1] if order.step > 0 else smoothed[at + 1]
            smoothed[at] = share * smoothed[at] + (1 - share) * neighbour
    return smoothed


def _standardise(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((values - values.mean(axis=0)) / values.std(axis=0))
