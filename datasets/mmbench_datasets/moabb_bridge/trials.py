"""Cuts the trials of one run that MOABB has read, by type of channel."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError
from mmbench_datasets.moabb_bridge.settings import ExportSettings

VOLTAGES = ("eeg", "eog", "emg", "ecg", "bio", "seeg", "ecog", "dbs")
NOT_SIGNALS = ("stim", "exci", "ias", "syst")
_BUTTERWORTH = {"order": 4, "ftype": "butter", "output": "sos"}


@dataclass(frozen=True)
class RunTrials:
    """The trials of a run.

    ``signals`` has an array ``(trials, channels, time)`` of each type of channel, ``channels`` their names; ``starts``
    are the times of the first samples in s from the start of the run, ``labels`` indices of classes. ``dropped`` counts
    events without a trial, by reason.
    """

    rate: float
    labels: NDArray[np.int64]
    starts: NDArray[np.float64]
    signals: Mapping[str, NDArray[np.float32]]
    channels: Mapping[str, Sequence[str]]
    dropped: Mapping[str, int] = field(default_factory=dict)


def cut_trials(raw: Any, dataset: Any, classes: Sequence[str], settings: ExportSettings, where: str) -> RunTrials:
    """The trials of a run, whose annotations MOABB has set to begin at the dataset's interval.

    Signals are in µV (voltages), µS (skin conductance) or in the unit that MNE has for the type. Raises DataError for a
    ``rate`` above the recorded one, or a pass band that it does not admit.
    """
    import mne

    # Channels are picked by index: a name such as "ecg" would be ambiguous with the type.
    signals_at = [at for at, kind in enumerate(raw.get_channel_types()) if kind not in NOT_SIGNALS]
    if not signals_at:
        raise DataError("has no channel of signals", where=where, remedy="leave the subject out with subjects=")
    raw = raw.copy().load_data().pick(signals_at)
    _filter(raw, settings, where)
    rate = float(raw.info["sfreq"])
    length = float(dataset.interval[1] - dataset.interval[0])
    events = _find_events(raw, classes, length)
    of_channels = raw.get_channel_types()
    types = sorted(set(of_channels), key=lambda kind: (kind != "eeg", kind))
    indices = {kind: [at for at, each in enumerate(of_channels) if each == kind] for kind in types}
    channels = {kind: [raw.ch_names[at] for at in indices[kind]] for kind in types}
    stop = length if settings.tmax is None else settings.tmax
    n_steps = round(stop * rate) - round(settings.tmin * rate)
    if n_steps < 2:
        message = f"has {n_steps} samples at {rate:g} Hz from tmin={settings.tmin:g} to tmax={stop:g}"
        raise DataError(message, where=where, remedy="choose a longer window")
    if not len(events):
        nothing = {kind: np.zeros((0, len(names), n_steps), np.float32) for kind, names in channels.items()}
        return RunTrials(rate, np.zeros(0, np.int64), np.zeros(0), nothing, channels)
    # A window of MNE has both ends; this one ends before the sample at its end.
    window = {"tmin": settings.tmin, "tmax": stop - 1 / rate}
    epochs = mne.Epochs(
        raw, events, baseline=None, picks="all", preload=True, event_repeated="drop", on_missing="ignore", **window
    )
    signals = {
        kind: (epochs.get_data(picks=indices[kind]) * _factor(kind, dataset)).astype(np.float32) for kind in types
    }
    starts = (epochs.events[:, 0] - raw.first_samp) / rate + settings.tmin
    dropped = Counter(_reason(reasons) for reasons in epochs.drop_log if reasons and "IGNORED" not in reasons)
    return RunTrials(rate, epochs.events[:, 2].astype(np.int64), starts, signals, channels, dict(dropped))


def _filter(raw: Any, settings: ExportSettings, where: str) -> None:
    """Filter the EEG and resample everything, in place."""
    rate = float(raw.info["sfreq"])
    highest = settings.fmax if settings.fmax is not None else settings.fmin
    if highest is not None:
        if not highest < rate / 2:
            message = f"was recorded at {rate:g} Hz, so that fmin and fmax must be below {rate / 2:g} Hz"
            raise DataError(message, where=where, remedy=f"try fmax={0.4 * rate:g}")
        if eeg := [at for at, kind in enumerate(raw.get_channel_types()) if kind == "eeg"]:
            raw.filter(settings.fmin, settings.fmax, picks=eeg, method="iir", iir_params=dict(_BUTTERWORTH))
    if settings.rate is not None and settings.rate != rate:
        if settings.rate > rate:
            message = f"was recorded at {rate:g} Hz, below rate={settings.rate}"
            raise DataError(message, where=where, remedy=f"give rate={int(rate)} or less")
        raw.resample(settings.rate)


def _find_events(raw: Any, classes: Sequence[str], length: float) -> NDArray[np.int64]:
    """MNE's events of the classes, whose codes are their indices; only annotations that MOABB has set."""
    import mne

    set_by_moabb = np.isclose(raw.annotations.duration, length)
    described = set(raw.annotations.description[set_by_moabb].tolist())
    codes = {name: code for code, name in enumerate(classes) if name in described}
    if not codes:
        return np.zeros((0, 3), np.int64)
    events: NDArray[np.int64] = mne.events_from_annotations(raw, codes)[0]
    return events


def _factor(kind: str, dataset: Any) -> float:
    """From MNE's unit to µV or µS; 1 for other types."""
    if kind in VOLTAGES:
        return float(dataset.unit_factor)
    return 1e6 if kind == "gsr" else 1.0


def _reason(reasons: Sequence[str]) -> str:
    if reasons[0] in ("TOO_SHORT", "NO_DATA"):
        return "the interval reaches beyond the run"
    if reasons[0] == "DROP DUPLICATE":
        return "another event is at the same time"
    return f"the interval overlaps the annotation {reasons[0]}"
