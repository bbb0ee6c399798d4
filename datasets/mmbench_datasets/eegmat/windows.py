"""The windows of a person as samples: each cut from a recording and resampled by itself."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError, Sample
from mmbench_datasets.eegmat.layout import FILE_RATE, SIGNALS, STATES, check_header

if TYPE_CHECKING:
    from mmbench_datasets.eegmat.dataset import Eegmat


def read_windows(dataset: "Eegmat", root: Path, unit: str) -> Iterator[Sample]:
    """The windows at rest, then those of mental arithmetic."""
    for label, path in enumerate(dataset.sources(root, unit)):
        signals = _load(path, dataset.card.request)
        if label == 0 and dataset.rest_seconds is not None:
            signals = signals[:, : round(dataset.rest_seconds * FILE_RATE)]
        if signals.shape[1] < dataset.window_samples:
            message = f"{signals.shape[1] / FILE_RATE:g} s are shorter than one window"
            raise DataError(message, where=path, remedy="choose a shorter window")
        yield from _cut(dataset, signals, unit, label)


def _cut(dataset: "Eegmat", signals: NDArray[np.float64], unit: str, label: int) -> Iterator[Sample]:
    recording = f"{unit}/{STATES[label]}"
    starts = range(0, signals.shape[1] - dataset.window_samples + 1, dataset.stride_samples)
    for number, start in enumerate(starts):
        stop = start + dataset.window_samples
        window = _resample(signals[:, start:stop], dataset.rate)
        yield Sample(
            id=f"{recording}/w{number:03d}",
            labels={"state": label},
            data={"eeg": window[None, :-1], "ecg": window[-1].reshape(dataset.instances, 1, -1)},
            groups={"subject": unit, "recording": recording},
            span=(start / FILE_RATE, stop / FILE_RATE),
        )


def _resample(window: NDArray[np.float64], rate: int) -> NDArray[np.float32]:
    from scipy.signal import resample_poly

    ratio = Fraction(rate, FILE_RATE)
    # Padding along the line from first to last sample keeps the filter from ringing at the edges.
    resampled = resample_poly(window, ratio.numerator, ratio.denominator, axis=-1, padtype="line")
    return resampled.astype(np.float32)


def _load(path: Path, request: str) -> NDArray[np.float64]:
    """The EEG channels and the ECG of a recording, ``(20, time)`` in µV; ``request`` tells how to come by it."""
    import mne

    if not path.is_file():
        raise DataError("is missing", where=path, remedy=request)
    check_header(path)
    try:
        raw = mne.io.read_raw_edf(path, include=list(SIGNALS), verbose="error")
        signals: NDArray[np.float64] = raw.get_data(picks=list(SIGNALS), verbose="error") * 1e6
    except (ValueError, RuntimeError, OSError, AssertionError, LookupError) as error:
        message = f"mne cannot read it ({str(error).splitlines()[0][:120] if str(error) else type(error).__name__})"
        raise DataError(message, where=path, remedy="get this file again") from error
    for label, signal in zip(SIGNALS, signals, strict=True):
        if not np.ptp(signal) > 0:  # also when it is not a number
            message = f"channel {label!r} is constant"
            raise DataError(message, where=path, remedy="get this file again, or take both files of the person away")
    return signals
