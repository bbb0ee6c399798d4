"""Reads DEAP's original BDF recordings and preprocesses them as the preprocessed release.

The steps that DEAP's authors describe: resampled to 128 Hz, ocular artefacts removed, 4-45 Hz, average reference, 63 s
per trial.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError, check_content
from mmbench_datasets.deap.layout import BASELINE_S, EEG_CHANNELS, N_TRIALS, RATE, RATINGS, TRIAL_S
from mmbench_datasets.deap.ocular import (
    Signals,
    join_trials,
    preprocessing_errors,
    regress_eog,
    remove_ocular_components,
    split_trials,
)
from mmbench_datasets.deap.options import Removal
from mmbench_datasets.deap.ratings import Ratings
from mmbench_datasets.deap.recordings import Recording
from mmbench_datasets.edf import Header, read_header
from mmbench_datasets.edf_signals import find_segments, read_integers, read_signals

RAW_RATE = 512
STATUS_OFFSET = 1_703_680
"""Offset of the Status channel in the recordings of participants 24-32."""
FIXATION, START, END = 3, 4, 5
"""Status codes: fixation cross before a video, start of the video, end of the video."""

_BIPOLAR = (("EXG1", "EXG2"), ("EXG3", "EXG4"), ("EXG5", "EXG6"), ("EXG7", "EXG8"))
_SINGLE = ("GSR1", "Resp", "Plet", "Temp")
CHANNELS = (*EEG_CHANNELS, *(name for pair in _BIPOLAR for name in pair), *_SINGLE)
"""The channels that are read, of the 48 or 49 of a file; by name, since Twente and Geneva have different orders."""

LAST_IN_TWENTE = 22
"""The last participant recorded in Twente, where GSR is a resistance in ohm; in Geneva it is a conductance in nS."""
LEAST_OHM = 1000.0

_N_EEG = len(EEG_CHANNELS)
_GSR = _N_EEG + len(_BIPOLAR)  # its row among the channels of a trial
_STATUS = "Status"
_BAND = (4.0, 45.0)
# Eye movements are slow: the weights are estimated with the frequencies below the band, too.
_LOWEST = 1.0
# Padding on both sides of a trial against edge effects of the filters.
_PAD_S = 4.0
# Tolerance for videos that end before 60 s.
_SLACK_S = 1.0
_REMEDY = "copy or download the file from DEAP again, or leave this person out"


def load_original(path: Path, participant: int, ratings: Ratings, eog: Removal, n_trials: int = N_TRIALS) -> Recording:
    """A subject's trials (40, 40, 8064) as in the preprocessed release, rows by Experiment_id, labels from the ratings.

    ``eog`` is the method that removes ocular artefacts. EEG and the bipolar channels are in µV, GSR is in nS for
    everybody, the others are in the unit of the file. Raises DataError if the file or the ratings are incomplete.
    """
    labels, order = order_ratings(path, participant, ratings, n_trials)
    return Recording(load_presented(path, participant, eog, n_trials)[order], labels)


def order_ratings(
    path: Path, participant: int, ratings: Ratings, n_trials: int = N_TRIALS
) -> tuple[NDArray[np.float64], list[int]]:
    """The labels (n_trials, 4) by Experiment_id, and the place of each in the order of presentation, from 0.

    Raises DataError unless the table has every trial of the participant.
    """
    rated = {experiment: rating for (who, experiment), rating in ratings.items() if who == participant}
    numbers = set(range(1, n_trials + 1))
    if set(rated) != numbers or {rating.trial for rating in rated.values()} != numbers:
        message = f"the table of ratings does not list {n_trials} trials of participant {participant}"
        raise DataError(message, where=path, remedy="get metadata_csv from DEAP again")
    in_order = [rated[experiment] for experiment in sorted(rated)]
    labels = np.array([rating.values for rating in in_order])[:, : len(RATINGS)]
    return labels, [rating.trial - 1 for rating in in_order]


def load_presented(path: Path, participant: int, eog: Removal, n_trials: int = N_TRIALS) -> Signals:
    """The trials (40, 40, 8064) in the order of presentation."""
    header, starts = check_presented(path, participant, n_trials)
    trials = np.stack([_read_trial(header, start) for start in starts])
    with preprocessing_errors(path):
        trials[:, :_N_EEG] = _clean(trials[:, :_N_EEG], trials[:, _N_EEG : _N_EEG + 2], eog)
    if participant <= LAST_IN_TWENTE:
        trials[:, _GSR] = to_conductance(trials[:, _GSR])
    pad = round(_PAD_S * RATE)
    if not np.isfinite(trials).all():
        raise DataError("has NaN or infinite values", where=path, remedy=_REMEDY)
    return trials[:, :, pad:-pad]


def check_presented(path: Path, participant: int, n_trials: int = N_TRIALS) -> tuple[Header, list[int]]:
    """The header, and the index of the first sample of each video; raises DataError unless all trials are there."""
    header = check_original(path)
    return header, find_starts(_codes(header, participant), path, n_trials)


def to_conductance(resistance: Signals) -> Signals:
    """Conductance in nS from a resistance in ohm; less than ``LEAST_OHM`` is no skin and counts as that much."""
    return np.asarray(1e9 / np.maximum(resistance, LEAST_OHM))


def check_original(path: Path) -> Header:
    """The header of a continuous recording that has all channels at 512 Hz, in known units.

    Raises DataError otherwise.
    """
    check_content(path, "is a BDF file")
    header = read_header(path, "BDF", _REMEDY)
    wanted = (*CHANNELS, _STATUS)
    if missing := [name for name in wanted if name not in header.labels]:
        more = f" and {len(missing) - 1} more" if missing[1:] else ""
        raise header.error(f"lacks the channel {missing[0]}{more}")
    if wrong := [name for name in wanted if header.rate(name) != RAW_RATE]:
        raise header.error(f"{wrong[0]} has {header.rate(wrong[0]):g} Hz, not {RAW_RATE}")
    for name in CHANNELS:
        header.scale(name)
        if name not in _SINGLE:
            header.check_voltage(name)
    if gaps := find_segments(header)[1:]:
        raise header.error(f"is discontinuous: a gap ends at {gaps[0].start:g} s")
    return header


def _codes(header: Header, participant: int) -> NDArray[np.int64]:
    status = read_integers(header, [_STATUS])[0].astype(np.int64)
    codes: NDArray[np.int64] = (status - (STATUS_OFFSET if participant >= 24 else 0)) % 65536
    return codes


def find_starts(codes: NDArray[np.int64], path: Path, n_trials: int = N_TRIALS) -> list[int]:
    """Index of the first sample of each video, from the Status codes (time,) of a recording.

    Raises DataError unless there are ``n_trials``, each with 3 s of baseline before it and 60 s after it.
    """
    is_new = np.diff(codes, prepend=codes[:1]) != 0
    starts = np.flatnonzero(is_new & (codes == START))
    if len(starts) != n_trials:
        message = f"has {len(starts)} video starts (Status {START}), not {n_trials}"
        raise DataError(message, where=path, remedy=_REMEDY)
    ends = np.flatnonzero(is_new & (codes == END))
    limits = np.append(starts[1:] - round(BASELINE_S * RAW_RATE), len(codes))
    for number, (start, limit) in enumerate(zip(starts.tolist(), limits.tolist(), strict=True), 1):
        where = f"{path}, presentation {number}"
        if start < BASELINE_S * RAW_RATE:
            raise DataError(f"has less than {BASELINE_S:g} s of baseline before it", where=where, remedy=_REMEDY)
        if limit - start < TRIAL_S * RAW_RATE:
            message = f"lasts {(limit - start) / RAW_RATE:.1f} s, not {TRIAL_S:g}: a spurious Status {START}, or a cut"
            raise DataError(message, where=where, remedy=_REMEDY)
        end = next((int(end) for end in ends if end > start), len(codes))
        if end - start < (TRIAL_S - _SLACK_S) * RAW_RATE:
            message = f"ends after {(end - start) / RAW_RATE:.1f} s: a spurious Status {END}"
            raise DataError(message, where=where, remedy=_REMEDY)
    return [int(start) for start in starts]


def _read_trial(header: Header, start: int) -> Signals:
    """One trial with its baseline and padding at 128 Hz (40, T): EEG, four bipolar channels, four single ones."""
    from scipy.signal import resample_poly

    first = start - round((BASELINE_S + _PAD_S) * RAW_RATE)
    last = start + round((TRIAL_S + _PAD_S) * RAW_RATE)
    n_times = round(header.records * header.record_seconds * RAW_RATE)
    inside = max(first, 0), min(last, n_times)
    signals = _read(header, *inside)
    beyond = (inside[0] - first, last - inside[1])
    if any(beyond):
        signals = np.pad(signals, ((0, 0), beyond), mode="reflect", reflect_type="odd")
    eeg, exg, single = np.split(signals, [_N_EEG, _N_EEG + 2 * len(_BIPOLAR)])
    joined = np.concatenate([eeg, exg[::2] - exg[1::2], single])
    # Electrodes have large offsets: padding along the line from first to last sample avoids edge artefacts.
    return np.asarray(resample_poly(joined, 1, round(RAW_RATE / RATE), axis=-1, padtype="line"))


def _read(header: Header, start: int, stop: int) -> Signals:
    """Samples ``[start, stop)`` of all channels in the order of ``CHANNELS``; the range need not match records."""
    per_record = header.samples[header.index(CHANNELS[0])]
    first = start // per_record
    signals = read_signals(header, CHANNELS, first, -(-stop // per_record))
    return signals[:, start - first * per_record : stop - first * per_record]


def _clean(eeg: Signals, eog: Signals, removal: Removal) -> Signals:
    """EEG (trials, 32, T) without ocular artefacts, 4-45 Hz, average-referenced; one set of weights for all trials."""
    import mne

    def band(signals: Signals, lowest: float) -> Signals:
        return np.asarray(mne.filter.filter_data(signals, RATE, lowest, _BAND[1], verbose="error"))

    eeg = band(eeg - eeg.mean(axis=1, keepdims=True), _LOWEST)
    if removal != "none":
        remove = regress_eog if removal == "regression" else remove_ocular_components
        cleaned = remove(join_trials(eeg), join_trials(band(eog, _LOWEST)), EEG_CHANNELS, RATE)
        eeg = split_trials(cleaned, len(eeg))
    eeg = band(eeg, _BAND[0])
    eeg -= eeg.mean(axis=1, keepdims=True)
    return eeg
