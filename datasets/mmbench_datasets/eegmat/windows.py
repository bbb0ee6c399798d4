"""Reads the windows of a subject as samples; each window is resampled separately."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError, Sample
from mmbench_datasets.edf import Header
from mmbench_datasets.edf_signals import find_segments, read_signals
from mmbench_datasets.eegmat.layout import FILE_RATE, SIGNALS, STATES, check_header
from mmbench_datasets.eegmat.options import WindowOptions


class _Stretch(NamedTuple):
    """Samples ``[first, stop)`` of a file without a gap; ``start`` is their time (s) in the recording."""

    start: float
    first: int
    stop: int


def read_windows(options: WindowOptions, paths: Sequence[Path], unit: str, request: str) -> Iterator[Sample]:
    """The windows of the recordings at rest and of mental arithmetic, in this order.

    Raises DataError with the remedy ``request`` if a recording is missing.
    """
    for label, path in enumerate(paths):
        if not path.is_file():
            raise DataError("is missing", where=path, remedy=request)
        header = check_header(path)
        signals = _load(header)
        stretches = _find_stretches(options, header, label)
        longest = max(stretch.stop - stretch.first for stretch in stretches)
        if longest < options.window:
            part = ", its longest part without a gap," if stretches[1:] else ""
            message = f"{longest / FILE_RATE:g} s{part} are shorter than one window"
            raise header.error(message, "choose a shorter window")
        yield from _cut(options, signals, stretches, unit, label)


def describe_left_out(options: WindowOptions, recordings: Sequence[Sequence[Path]]) -> Mapping[str, str]:
    """Reasons why parts of the recordings are in no window: gaps, incomplete last records, ends shorter than a window.

    ``recordings`` are the two files of each subject, at rest and of mental arithmetic.
    """
    left: dict[str, str] = {}
    recorded = used = 0
    for paths in recordings:
        for label, path in enumerate(paths):
            header = check_header(path)
            left.update(_describe_gaps(header))
            for stretch in _find_stretches(options, header, label):
                recorded += stretch.stop - stretch.first
                used += _count_covered(options, stretch)
    if unused := recorded - used:
        what = f"{unused / FILE_RATE:g} of {recorded / FILE_RATE:g} recorded seconds ({unused / recorded:.1%})"
        left[what] = f"in no window of {options.window / FILE_RATE:g} s: less than one window before an end or a gap"
    return left


def _describe_gaps(header: Header) -> Iterator[tuple[str, str]]:
    segments = find_segments(header)
    for before, after in pairwise(segments):
        what = f"{after.start - before.stop:g} s after second {before.stop:g} of {header.path.name}"
        yield what, "not recorded: the file is discontinuous"
    if header.spare_bytes:
        yield (
            f"the last {header.spare_bytes} bytes of {header.path.name}",
            "an incomplete record: the recording was not ended properly",
        )


def _find_stretches(options: WindowOptions, header: Header, label: int) -> list[_Stretch]:
    """The parts of a recording without gaps; a recording at rest is limited to ``rest_seconds``."""
    per_record = header.samples[header.index(SIGNALS[0])]
    stretches = [
        _Stretch(each.start, each.first * per_record, each.last * per_record) for each in find_segments(header)
    ]
    if label or options.rest_seconds is None:
        return stretches
    kept = ((each, round((options.rest_seconds - each.start) * FILE_RATE)) for each in stretches)
    return [each._replace(stop=min(each.stop, each.first + n_samples)) for each, n_samples in kept if n_samples > 0]


def _place(options: WindowOptions, stretch: _Stretch) -> range:
    """Start of each window, in samples of the file."""
    return range(stretch.first, stretch.stop - options.window + 1, options.stride)


def _count_covered(options: WindowOptions, stretch: _Stretch) -> int:
    """Number of samples of a stretch that are in a window."""
    n_windows = len(_place(options, stretch))
    return n_windows and (n_windows - 1) * min(options.stride, options.window) + options.window


def _cut(
    options: WindowOptions, signals: NDArray[np.float64], stretches: list[_Stretch], unit: str, label: int
) -> Iterator[Sample]:
    recording = f"{unit}/{STATES[label]}"
    places = ((stretch, first) for stretch in stretches for first in _place(options, stretch))
    for number, (stretch, first) in enumerate(places):
        window = _resample(signals[:, first : first + options.window], options.rate)
        start = first - stretch.first
        yield Sample(
            id=f"{recording}/w{number:03d}",
            labels={"state": label},
            data={"eeg": window[None, :-1], "ecg": window[-1].reshape(options.instances, 1, -1)},
            groups={"subject": unit, "recording": recording},
            span=(
                stretch.start + start / FILE_RATE,
                stretch.start + (start + options.window) / FILE_RATE,
            ),
        )


def _resample(window: NDArray[np.float64], rate: int) -> NDArray[np.float32]:
    from scipy.signal import resample_poly

    ratio = Fraction(rate, FILE_RATE)
    # Padding along the line from first to last sample avoids ringing of the filter at the edges.
    resampled = resample_poly(window, ratio.numerator, ratio.denominator, axis=-1, padtype="line")
    return resampled.astype(np.float32)


def _load(header: Header) -> NDArray[np.float64]:
    """The EEG channels and the ECG (20, time) of a recording in µV."""
    signals = read_signals(header, SIGNALS)
    for label, signal in zip(SIGNALS, signals, strict=True):
        if not np.ptp(signal) > 0:
            remedy = "get this file again, or remove both files of the person"
            raise header.error(f"channel {label!r} is constant", remedy)
    return signals
