"""Removal of ocular artefacts from EEG, by regression on the EOG or by excluding ocular ICA components."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError

Signals = NDArray[np.float64]

EOG_CHANNELS = ("hEOG", "vEOG")
# The channels with the largest ocular artefacts.
_FRONTAL = {"Fp1", "Fp2", "AF3", "AF4", "F7", "F8"}
_THRESHOLD = 3.0
# Eigenvalues of the covariance below this share of the largest are rounding, not signal.
_RANK_TOLERANCE = 1e-9
# Enough samples for each weight of the unmixing matrix.
_SAMPLES_PER_WEIGHT = 30
_MAX_ITERATIONS = 200
_SEED = 0


@contextmanager
def preprocessing_errors(path: Path) -> Iterator[None]:
    """Raise DataError with the file if filters, regression or ICA fail on its signals."""
    try:
        yield
    except (ArithmeticError, ValueError, RuntimeError, np.linalg.LinAlgError) as error:
        reason = " ".join(str(error).split())[:120]
        raise DataError(
            f"its signals cannot be preprocessed ({reason})",
            where=path,
            remedy="leave this person out (--units), or choose another preprocessing",
        ) from error


def regress_eog(eeg: Signals, eog: Signals, names: Sequence[str], rate: float) -> Signals:
    """EEG (C, T) in µV, average-referenced, minus its linear regression on the two EOG channels (2, T).

    One set of weights for the whole signal (Gratton et al. 1983, ``mne.preprocessing.EOGRegression``).
    """
    from mne import use_log_level
    from mne.preprocessing import EOGRegression

    if flat := [name for name, signal in zip(EOG_CHANNELS, eog, strict=True) if not np.ptp(signal) > 0]:
        raise ValueError(f"{flat[0]} is constant")
    with use_log_level("error"):
        raw = _as_raw(eeg, eog, names, rate).set_eeg_reference("average")
        return _eeg_of(EOGRegression(picks="eeg").fit(raw).apply(raw, copy=False))


def remove_ocular_components(eeg: Signals, eog: Signals, names: Sequence[str], rate: float) -> Signals:
    """EEG (C, T) in µV without its ocular independent components; at least one is always removed.

    FastICA with as many components as the rank of the data: average-referenced data have rank C - 1, and one more
    component would divide by rounding errors. A component is ocular where its correlation with hEOG or vEOG is an
    outlier (``ICA.find_bads_eog``, z > 3) and its scalp map is larger over the frontal channels than over the others,
    by the given ``names``. Where no component is, the frontal one with the largest correlation is removed, and where
    no map is frontal, the one with the largest correlation. Deterministic.
    """
    from mne.preprocessing import ICA
    from threadpoolctl import threadpool_limits

    raw = _as_raw(eeg, eog, names, rate)
    if (rank := rank_of(eeg)) < 2:
        raise ValueError(f"all EEG channels hold the same signal (rank {rank})")
    decim = max(1, eeg.shape[1] // (_SAMPLES_PER_WEIGHT * rank**2))
    ica = ICA(rank, random_state=_SEED, max_iter=_MAX_ITERATIONS, verbose="error")
    # One thread: small matrices are slower with more, and results would depend on the number of threads.
    with threadpool_limits(1), warnings.catch_warnings():
        # An unmixing that did not converge can still be inverted: components that are not excluded are kept exactly.
        warnings.filterwarnings("ignore", message="FastICA did not converge")
        ica.fit(raw, picks="eeg", decim=decim, verbose="error")
        return _eeg_of(ica.apply(raw, exclude=find_ocular(ica, raw), verbose="error"))


def join_trials(signals: NDArray[np.floating]) -> NDArray[np.float64]:
    """(trials, C, T) as (C, trials · T), concatenated in time."""
    return np.concatenate(list(np.asarray(signals, np.float64)), axis=1)


def split_trials(signals: NDArray[np.float64], n_trials: int) -> NDArray[np.float64]:
    """(C, trials · T) as (trials, C, T)."""
    return np.stack(np.split(signals, n_trials, axis=1))


def rank_of(eeg: Signals) -> int:
    """Rank of signals (C, T), up to rounding errors."""
    eigenvalues = np.linalg.eigvalsh(np.cov(eeg))
    return int((eigenvalues > _RANK_TOLERANCE * eigenvalues[-1]).sum())


def find_ocular(ica: Any, raw: Any) -> list[int]:
    """Indices of the ocular components of a fitted ICA, at least one."""
    outstanding, scores = ica.find_bads_eog(raw, list(EOG_CHANNELS), threshold=_THRESHOLD, verbose="error")
    correlation = np.abs(scores).max(axis=0)
    maps = ica.get_components()
    is_frontal_channel = np.isin(ica.ch_names, list(_FRONTAL))
    strength = [np.sqrt((maps[where] ** 2).mean(axis=0)) for where in (is_frontal_channel, ~is_frontal_channel)]
    is_frontal = strength[0] > strength[1]
    if chosen := [int(index) for index in outstanding if is_frontal[index]]:
        return sorted(chosen)
    return [int(np.argmax(np.where(is_frontal, correlation, -1) if is_frontal.any() else correlation))]


def _as_raw(eeg: Signals, eog: Signals, names: Sequence[str], rate: float) -> Any:
    import mne

    kinds = ["eeg"] * len(eeg) + ["eog"] * len(eog)
    info = mne.create_info([*names, *EOG_CHANNELS], rate, kinds, verbose="error")
    return mne.io.RawArray(np.concatenate([eeg, eog]) * 1e-6, info, verbose="error")


def _eeg_of(raw: Any) -> Signals:
    return np.asarray(raw.get_data(picks="eeg", verbose="error") * 1e6, np.float64)
