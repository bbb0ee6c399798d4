"""EEG preprocessing of Milmer: as its paper describes it, and as its public notebook does it."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmbench_datasets.deap.layout import RATE
from mmbench_datasets.deap.ocular import join_trials, remove_ocular_components, split_trials

_BAND = (1.0, 50.0)


def clean_as_described(
    eeg: NDArray[np.floating], eog: NDArray[np.floating], names: Sequence[str]
) -> NDArray[np.float64]:
    """EEG (trials, C, T) of one person in µV: each trial filtered to 1-50 Hz, then ocular components removed by ICA.

    One ICA is fitted to the concatenated trials; ``eog`` (trials, 2, T) only identifies the ocular components.
    """
    filtered = _filtered(eeg)
    return split_trials(remove_ocular_components(join_trials(filtered), join_trials(eog), names, RATE), len(eeg))


def clean_as_published(eeg: NDArray[np.floating], names: Sequence[str]) -> NDArray[np.float64]:
    """EEG (trials, C, T) filtered to 1-50 Hz, then passed through the notebook's ICA per trial, which excludes nothing.

    The ICA has as many components as channels. Data of full rank, such as scrambled data, pass unchanged.
    Average-referenced data have rank C - 1: whitening divides by rounding errors, and the result differs by machine.
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
