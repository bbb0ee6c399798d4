"""The preprocessing that Milmer's paper describes, and that of its public notebook, on the trials of one person."""

import warnings
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
    filtered = _filtered(eeg)
    return split_trials(remove_ocular_components(join_trials(filtered), join_trials(eog), names, RATE), len(eeg))


def clean_as_published(eeg: NDArray[np.floating], names: Sequence[str]) -> NDArray[np.float64]:
    """EEG (trials, C, T) filtered to 1-50 Hz, then through the notebook's ICA of each trial, which excludes nothing.

    It has as many components as there are channels. That changes nothing in data of full rank, which scrambled data
    are; average-referenced data have one dimension fewer, and dividing by the rounding in it corrupts them beyond
    recognition, differently on every machine.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return np.stack([_through_ica(trial, names) for trial in _filtered(eeg)])


def _through_ica(trial: NDArray[np.float64], names: Sequence[str]) -> NDArray[np.float64]:
    import mne

    raw = mne.io.RawArray(trial, mne.create_info(list(names), RATE, "eeg", verbose="error"), verbose="error")
    ica = mne.preprocessing.ICA(len(trial), random_state=0, max_iter=1000, verbose="error")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="FastICA did not converge")
        ica.fit(raw, verbose="error")
    return np.asarray(ica.apply(raw, exclude=[], verbose="error").get_data(), np.float64)


def _filtered(eeg: NDArray[np.floating]) -> NDArray[np.float64]:
    import mne

    return np.asarray(mne.filter.filter_data(np.asarray(eeg, np.float64), RATE, *_BAND, verbose="error"))


def join_trials(signals: NDArray[np.floating]) -> NDArray[np.float64]:
    """(trials, C, T) as (C, trials · T), end to end."""
    return np.concatenate(list(np.asarray(signals, np.float64)), axis=1)


def split_trials(signals: NDArray[np.float64], n_trials: int) -> NDArray[np.float64]:
    """(C, trials · T) as (trials, C, T)."""
    return np.stack(np.split(signals, n_trials, axis=1))
