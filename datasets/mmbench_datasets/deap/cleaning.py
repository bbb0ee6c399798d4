"""The preprocessing that Milmer's paper describes, on the trials of one person."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmbench_datasets.deap.layout import RATE
from mmbench_datasets.deap.ocular import remove_ocular_components

_BAND = (1.0, 50.0)


def clean_as_described(
    eeg: NDArray[np.floating], eog: NDArray[np.floating], names: Sequence[str]
) -> NDArray[np.float64]:
    """EEG (trials, C, T) in µV, filtered to 1-50 Hz trial by trial, then without ocular components.

    One ICA over all trials of the person, end to end; ``eog`` (trials, 2, T) only says which components are ocular.
    """
    import mne

    filtered = mne.filter.filter_data(np.asarray(eeg, np.float64), RATE, *_BAND, verbose="error")
    return split_trials(remove_ocular_components(join_trials(filtered), join_trials(eog), names, RATE), len(eeg))


def join_trials(signals: NDArray[np.floating]) -> NDArray[np.float64]:
    """(trials, C, T) as (C, trials · T), end to end."""
    return np.concatenate(list(np.asarray(signals, np.float64)), axis=1)


def split_trials(signals: NDArray[np.float64], n_trials: int) -> NDArray[np.float64]:
    """(C, trials · T) as (trials, C, T)."""
    return np.stack(np.split(signals, n_trials, axis=1))
