"""Reads the samples of EDF and BDF files, and finds the gaps between their records."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmbench_datasets.edf import ANNOTATIONS, SAMPLE_BYTES, Header

# The first annotation of a record is its onset, without text. Notes may follow, in any encoding.
_ONSET = re.compile(rb"([+-]\d+(?:\.\d*)?)\x14\x14\x00")

_MOST_DECIMALS = 9


class Segment(NamedTuple):
    """Records ``[first, last)`` without a gap; ``start`` and ``stop`` are times (s) in the recording."""

    start: float
    stop: float
    first: int
    last: int


def find_segments(header: Header) -> tuple[Segment, ...]:
    """The segments between gaps, in order of time; one if there is no gap.

    Raises DataError if the times of the records are invalid: none in a discontinuous file, overlapping records, or a
    gap in a file that is declared continuous.
    """
    texts = _read_onsets(header)
    if texts is None:
        return (Segment(0.0, header.records * header.record_seconds, 0, header.records),)
    onsets, tolerance = [float(text) for text in texts], _tolerance(header, texts)
    breaks = [0]
    for number, (before, after) in enumerate(pairwise(onsets), start=1):
        late = after - before - header.record_seconds
        if not late >= -tolerance:  # also when it is not a number
            raise header.error(f"record {number + 1} begins at {after:g} s, before the end of the previous record")
        if late > tolerance:
            breaks.append(number)
    if breaks[1:] and not header.is_discontinuous:
        at = onsets[breaks[1]]
        raise header.error(f"is declared continuous, but its record {breaks[1] + 1} begins at {at:g} s, after a gap")
    edges = pairwise([*breaks, header.records])
    return tuple(
        Segment(onsets[a] - onsets[0], onsets[b - 1] + header.record_seconds - onsets[0], a, b) for a, b in edges
    )


def read_signals(header: Header, labels: Sequence[str], first: int = 0, last: int | None = None) -> NDArray[np.float64]:
    """Samples (channels, time) of the records ``[first, last)``: voltages in µV, others in the unit of the file.

    All channels must have the same rate. Raises DataError if the limits of a channel are invalid.
    """
    signals = read_integers(header, labels, first, last).astype(np.float64)
    for signal, label in zip(signals, labels, strict=True):
        scale = header.scale(label)
        # Same order of operations as mne, for bit-identical results.
        signal *= scale.gain
        signal += scale.offset
        if header.volts(label) is not None:
            signal *= scale.unit
            signal *= 1e6
    return signals


def read_integers(header: Header, labels: Sequence[str], first: int = 0, last: int | None = None) -> NDArray[np.int32]:
    """Samples (channels, time) as stored integers."""
    records = _map(header)[first:last]
    width = SAMPLE_BYTES[header.form]
    rows = []
    for label in labels:
        at = header.index(label)
        begin = width * sum(header.samples[:at])
        stored = records[:, begin : begin + width * header.samples[at]]
        rows.append(_integers(np.ascontiguousarray(stored).reshape(-1, width)))
    return np.stack(rows)


def _integers(stored: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Signed integers (n,) from 2 or 3 little-endian bytes each, (n, width)."""
    wide = np.zeros((len(stored), 4), np.uint8)
    wide[:, 4 - stored.shape[1] :] = stored
    integers: NDArray[np.int32] = wide.view("<i4")[:, 0].astype(np.int32)
    integers >>= 8 * (4 - stored.shape[1])
    return integers


def _map(header: Header) -> NDArray[np.uint8]:
    """Memory map of the records (records, bytes)."""
    shape = (header.records, header.record_bytes)
    return np.memmap(header.path, np.uint8, "r", header.header_bytes, shape)


def _tolerance(header: Header, onsets: Sequence[bytes]) -> float:
    """Tolerance (s) between the end of a record and the start of the next: one sample, or one decimal if rounded."""
    step = 10.0 ** -min(_MOST_DECIMALS, max(len(text.partition(b".")[2]) for text in onsets))
    rounding = abs(header.record_seconds - step * round(header.record_seconds / step)) > 1e-9
    return max(header.record_seconds / max(header.samples), step if rounding else 0.0)


def _read_onsets(header: Header) -> list[bytes] | None:
    """Onset of each record in s, as written; None if a continuous file has none."""
    notes = [at for at, label in enumerate(header.labels) if label in ANNOTATIONS]
    if not notes:
        if header.is_discontinuous:
            raise header.error(f"is discontinuous ({header.kind}), but no channel holds the onsets of its records")
        return None
    width = SAMPLE_BYTES[header.form]
    begin = width * sum(header.samples[: notes[0]])
    texts = _map(header)[:, begin : begin + width * header.samples[notes[0]]]
    found: list[Any] = [_ONSET.match(row.tobytes()) for row in texts]
    if all(found):
        return [match[1] for match in found]
    if header.is_discontinuous:
        raise header.error(f"is discontinuous ({header.kind}), but its record {found.index(None) + 1} has no onset")
    return None
