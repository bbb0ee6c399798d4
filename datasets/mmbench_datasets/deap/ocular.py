"""Takes the activity of the eyes out of EEG: by regression on the EOG, or by an ICA that excludes ocular components."""

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
# Where the eyes are strongest, by name.
_FRONTAL = {"Fp1", "Fp2", "AF3", "AF4", "F7", "F8"}
_THRESHOLD = 3.0
# Eigenvalues of the covariance below this share of the largest are rounding, not signal.
_RANK_TOLERANCE = 1e-9
# ICA treats samples as independent; so many for each weight of the unmixing matrix are plenty.
_SAMPLES_PER_WEIGHT = 30
_MAX_ITERATIONS = 200
_SEED = 0


@contextmanager
def preprocessing_errors(path: Path) -> Iterator[None]:
    """Turn what filters, regression and ICA stumble over in signals that are none into an error about their file."""
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
    """EEG (C, T) in µV, average-referenced, without what the two EOG channels (2, T) explain of it linearly.

    One set of weights for the whole signal (Gratton et al. 1983, as ``mne.preprocessing.EOGRegression`` has it).
    """
    from mne import use_log_level
    from mne.preprocessing import EOGRegression

    if flat := [name for name, signal in zip(EOG_CHANNELS, eog, strict=True) if not np.ptp(signal) > 0]:
        raise ValueError(f"{flat[0]} is constant")
    with use_log_level("error"):
        raw = _as_raw(eeg, eog, names, rate).set_eeg_reference("average")
        return _eeg_of(EOGRegression(picks="eeg").fit(raw).apply(raw, copy=False))


def remove_ocular_components(eeg: Signals, eog: Signals, names: Sequence[str], rate: float) -> Signals:
    """EEG (C, T) in µV without its ocular independent components; never returned as it came.

    FastICA with as many components as the data have dimensions: average-referenced data have one fewer than
    channels, and one component more would divide by rounding. A component is ocular when its correlation with hEOG
    or vEOG stands out (``ICA.find_bads_eog``, z > 3) and its scalp map is larger over the frontal channels than over
    the others, by the names given. Where none is, the frontal one with the largest correlation is taken, and where no
    map is frontal, the one with the largest correlation. The same input gives the same output.
    """
    from mne.preprocessing import ICA
    from threadpoolctl import threadpool_limits

    raw = _as_raw(eeg, eog, names, rate)
    if (rank := rank_of(eeg)) < 2:
        raise ValueError(f"all channels of the EEG hold the same signal, {rank} dimensions")
    decim = max(1, eeg.shape[1] // (_SAMPLES_PER_WEIGHT * rank**2))
    ica = ICA(rank, random_state=_SEED, max_iter=_MAX_ITERATIONS, verbose="error")
    # One thread: matrices this small are slower with more, and the bits would depend on their number.
    with threadpool_limits(1), warnings.catch_warnings():
        # An unmixing that stopped early is still one that can be inverted: what is not excluded comes back whole.
        warnings.filterwarnings("ignore", message="FastICA did not converge")
        ica.fit(raw, picks="eeg", decim=decim, verbose="error")
        return _eeg_of(ica.apply(raw, exclude=find_ocular(ica, raw), verbose="error"))


def rank_of(eeg: Signals) -> int:
    """The number of dimensions that signals (C, T) really have."""
    eigenvalues = np.linalg.eigvalsh(np.cov(eeg))
    return int((eigenvalues > _RANK_TOLERANCE * eigenvalues[-1]).sum())


def find_ocular(ica: Any, raw: Any) -> list[int]:
    """The components of a fitted ICA to be excluded, at least one."""
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
