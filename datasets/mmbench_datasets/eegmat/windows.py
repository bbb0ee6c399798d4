"""The windows of a person as samples: each cut from a recording and resampled by itself."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError, Sample
from mmbench_datasets.edf import Header
from mmbench_datasets.edf_signals import find_segments, read_signals
from mmbench_datasets.eegmat.layout import FILE_RATE, SIGNALS, STATES, check_header

if TYPE_CHECKING:
    from mmbench_datasets.eegmat.dataset import Eegmat


class _Stretch(NamedTuple):
    """Samples ``[first, stop)`` of a file, recorded without a gap from ``start`` on, in s of the recording."""

    start: float
    first: int
    stop: int


def read_windows(dataset: "Eegmat", root: Path, unit: str) -> Iterator[Sample]:
    """The windows at rest, then those of mental arithmetic."""
    for label, path in enumerate(dataset.sources(root, unit)):
        if not path.is_file():
            raise DataError("is missing", where=path, remedy=dataset.card.request)
        header = check_header(path)
        signals = _load(header)
        stretches = _find_stretches(dataset, header, label)
        longest = max(stretch.stop - stretch.first for stretch in stretches)
        if longest < dataset.window_samples:
            gaps = ", the longest stretch without a gap," if stretches[1:] else ""
            message = f"{longest / FILE_RATE:g} s{gaps} are shorter than one window"
            raise header.error(message, "choose a shorter window")
        yield from _cut(dataset, signals, stretches, unit, label)


def describe_left_out(dataset: "Eegmat", root: Path) -> Mapping[str, str]:
    """What of the recordings is in no window: gaps, an unfinished last record, and ends shorter than a window."""
    left: dict[str, str] = {}
    recorded = used = 0
    for unit in dataset.units(root):
        for label, path in enumerate(dataset.sources(root, unit)):
            header = check_header(path)
            left.update(_describe_gaps(header))
            for stretch in _find_stretches(dataset, header, label):
                recorded += stretch.stop - stretch.first
                used += _count_covered(dataset, stretch)
    if unused := recorded - used:
        what = f"{unused / FILE_RATE:g} of {recorded / FILE_RATE:g} recorded seconds ({unused / recorded:.1%})"
        left[what] = (
            f"in no window of {dataset.window_samples / FILE_RATE:g} s: too near to an end of what was recorded"
        )
    return left


def _describe_gaps(header: Header) -> Iterator[tuple[str, str]]:
    segments = find_segments(header)
    for before, after in pairwise(segments):
        what = f"{after.start - before.stop:g} s after second {before.stop:g} of {header.path.name}"
        yield what, "not recorded, the file is discontinuous"
    if header.spare_bytes:
        yield (
            f"the last {header.spare_bytes} bytes of {header.path.name}",
            "less than a record, the recording was not ended properly",
        )


def _find_stretches(dataset: "Eegmat", header: Header, label: int) -> list[_Stretch]:
    """What is asked for of a recording; of one at rest only so much as ``rest_seconds`` keeps."""
    per_record = header.samples[header.index(SIGNALS[0])]
    stretches = [
        _Stretch(each.start, each.first * per_record, each.last * per_record) for each in find_segments(header)
    ]
    if label or dataset.rest_seconds is None:
        return stretches
    kept = ((each, round((dataset.rest_seconds - each.start) * FILE_RATE)) for each in stretches)
    return [each._replace(stop=min(each.stop, each.first + n_samples)) for each, n_samples in kept if n_samples > 0]


def _place(dataset: "Eegmat", stretch: _Stretch) -> range:
    """Where windows begin, in samples of the file."""
    return range(stretch.first, stretch.stop - dataset.window_samples + 1, dataset.stride_samples)


def _count_covered(dataset: "Eegmat", stretch: _Stretch) -> int:
    """Samples of a stretch that lie in a window."""
    n_windows = len(_place(dataset, stretch))
    return n_windows and (n_windows - 1) * min(dataset.stride_samples, dataset.window_samples) + dataset.window_samples


def _cut(
    dataset: "Eegmat", signals: NDArray[np.float64], stretches: list[_Stretch], unit: str, label: int
) -> Iterator[Sample]:
    recording = f"{unit}/{STATES[label]}"
    places = ((stretch, first) for stretch in stretches for first in _place(dataset, stretch))
    for number, (stretch, first) in enumerate(places):
        window = _resample(signals[:, first : first + dataset.window_samples], dataset.rate)
        start = first - stretch.first
        yield Sample(
            id=f"{recording}/w{number:03d}",
            labels={"state": label},
            data={"eeg": window[None, :-1], "ecg": window[-1].reshape(dataset.instances, 1, -1)},
            groups={"subject": unit, "recording": recording},
            span=(
                stretch.start + start / FILE_RATE,
                stretch.start + (start + dataset.window_samples) / FILE_RATE,
            ),
        )


def _resample(window: NDArray[np.float64], rate: int) -> NDArray[np.float32]:
    from scipy.signal import resample_poly

    ratio = Fraction(rate, FILE_RATE)
    # Padding along the line from first to last sample keeps the filter from ringing at the edges.
    resampled = resample_poly(window, ratio.numerator, ratio.denominator, axis=-1, padtype="line")
    return resampled.astype(np.float32)


def _load(header: Header) -> NDArray[np.float64]:
    """The EEG channels and the ECG of a recording, ``(20, time)`` in µV."""
    signals = read_signals(header, SIGNALS)
    for label, signal in zip(SIGNALS, signals, strict=True):
        if not np.ptp(signal) > 0:
            remedy = "get this file again, or take both files of the person away"
            raise header.error(f"channel {label!r} is constant", remedy)
    return signals
