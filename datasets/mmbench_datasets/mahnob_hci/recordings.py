"""Reads the BDF recording of a session of MAHNOB-HCI between the start and the end of the film."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError, check_content
from mmbench_datasets.edf import Header, read_header
from mmbench_datasets.edf_signals import find_segments, read_integers, read_signals
from mmbench_datasets.mahnob_hci.dataset import EEG, RATE, SIGNALS
from mmbench_datasets.shared.damage import how_to_drop

_STATUS = "Status"
_REMEDY = how_to_drop("copy or download the session again", "it")
_LEAST, _MOST = 0.5, 2.0  # of the stated length of the film, between the events


def load_film(path: Path, seconds: float | None, *, is_average: bool) -> dict[str, NDArray[np.float64]]:
    """The signals ``(channels, time)`` of a film by modality, voltages in µV; EEG against its mean if ``is_average``.

    ``seconds`` is the stated length of the film. Raises DataError for a file that is damaged, lacks a channel or has
    another rate, and if start and end of the film are not in its Status channel.
    """
    header = check_recording(path)
    start, stop = find_film(read_integers(header, [_STATUS])[0].astype(np.int64), seconds, path)
    found = {}
    for modality, channels in SIGNALS.items():
        signals = _read(header, channels, start, stop)
        found[modality] = signals - signals.mean(axis=0) if is_average and modality == "eeg" else signals
    return found


def check_recording(path: Path) -> Header:
    """The header of a recording; raises DataError if it is truncated, lacks a channel, or has another rate or unit."""
    check_content(path, "is a BDF file")
    header = read_header(path, "BDF", _REMEDY)
    wanted = [*(channel for channels in SIGNALS.values() for channel in channels), _STATUS]
    if missing := [name for name in wanted if name not in header.labels]:
        more = f" and {len(missing) - 1} more" if missing[1:] else ""
        raise header.error(f"lacks the channel {missing[0]}{more}")
    if wrong := [name for name in wanted if header.rate(name) != RATE]:
        raise header.error(f"{wrong[0]} has {header.rate(wrong[0]):g} Hz, not {RATE:g}")
    for name in (*EEG, *SIGNALS["ecg"]):
        header.check_voltage(name)
    if gaps := find_segments(header)[1:]:
        raise header.error(f"is discontinuous: a gap ends at {gaps[0].start:g} s")
    return header


def find_film(status: NDArray[np.int64], seconds: float | None, path: Path) -> tuple[int, int]:
    """First sample of the film and the one after its last, from the Status channel ``(time,)``.

    The Status rests at one value; the first two times that it leaves it are start and end of the film, without another
    value at the very beginning. Raises DataError where there are fewer, or where they are much further or nearer than
    ``seconds``, the stated length.
    """
    codes = status % 65536
    values, counts = np.unique(codes, return_counts=True)
    is_event = codes != values[counts.argmax()]
    onsets = (np.flatnonzero(is_event[1:] & ~is_event[:-1]) + 1).tolist()
    if len(onsets) < 2:
        message = f"{_STATUS} has {len(onsets)} events, where start and end of the film are expected"
        raise DataError(message, where=path, remedy=_REMEDY)
    start, stop = onsets[:2]
    lasts = (stop - start) / RATE
    if seconds is not None and not _LEAST * seconds <= lasts <= _MOST * seconds:
        message = f"{_STATUS} has events {lasts:.1f} s apart, but by session.xml the film lasts {seconds:.1f} s"
        raise DataError(message, where=path, remedy=_REMEDY)
    return start, stop


def _read(header: Header, channels: tuple[str, ...], start: int, stop: int) -> NDArray[np.float64]:
    """Samples ``[start, stop)`` of some channels; the range need not match records."""
    per_record = header.samples[header.index(channels[0])]
    first = start // per_record
    signals = read_signals(header, channels, first, -(-stop // per_record))
    return signals[:, start - first * per_record : stop - first * per_record]
