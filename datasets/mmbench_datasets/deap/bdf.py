"""BioSemi's BDF files, 24-bit EDF: the header, read and checked, and the writing of whole files for the simulation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError, StorageError

_MAGIC = b"\xffBIOSEMI"
_AGAIN = "copy or download the file from DEAP again"
_LOWEST, _HIGHEST = -(2**23), 2**23 - 1
# Width in bytes of each field of a signal; a field is stored for all signals before the next one.
_LABEL, _UNIT, _SAMPLES = 0, 2, 8
_WIDTHS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
_STARTS = (0, *accumulate(_WIDTHS))


@dataclass(frozen=True)
class Header:
    """What a BDF file says of itself: names, units and samples a record of its signals; its records."""

    labels: tuple[str, ...]
    units: tuple[str, ...]
    samples: tuple[int, ...]
    records: int
    record_seconds: float

    def rate(self, label: str) -> float:
        """Sampling rate of a signal in Hz."""
        return self.samples[self.labels.index(label)] / self.record_seconds

    @property
    def file_bytes(self) -> int:
        """The size of the whole file."""
        return 256 * (1 + len(self.labels)) + 3 * self.records * sum(self.samples)


def read_header(path: Path) -> Header:
    """The header of a BDF file that is as long as it says; DataError when it is not, or is no BDF file."""
    try:
        with path.open("rb") as file:
            fixed = file.read(256)
            header = _parse(fixed, file.read(256 * int(fixed[252:256])))
    except ValueError as error:
        raise DataError("is not a BDF file", where=path, remedy=_AGAIN) from error
    if (size := path.stat().st_size) != header.file_bytes:
        message = f"is truncated or damaged: {size} bytes, but its header promises {header.file_bytes}"
        raise DataError(message, where=path, remedy=_AGAIN)
    return header


def _parse(fixed: bytes, signals: bytes) -> Header:
    n_signals, records, seconds = int(fixed[252:256]), int(fixed[236:244]), float(fixed[244:252])
    if not fixed.startswith(_MAGIC) or len(signals) != 256 * n_signals or records < 1 or not seconds > 0:
        raise ValueError("not a header")

    def texts(field: int) -> list[str]:
        start, width = _STARTS[field] * n_signals, _WIDTHS[field]
        return [signals[start + width * i : start + width * (i + 1)].decode("latin1").strip() for i in range(n_signals)]

    samples = tuple(int(text) for text in texts(_SAMPLES))
    return Header(tuple(texts(_LABEL)), tuple(texts(_UNIT)), samples, records, seconds)


@dataclass(frozen=True)
class Channel:
    """A signal to be written: its unit, and the largest value that it can have."""

    label: str
    unit: str
    largest: float

    @property
    def step(self) -> float:
        """The smallest difference that can be written."""
        return self.largest / _HIGHEST

    @property
    def limits(self) -> tuple[str, str]:
        """The least and the largest value, in the eight characters that a header has for each."""
        return f"{-self.largest - self.step:.8g}"[:8], f"{self.largest:.8g}"[:8]


def write_bdf(
    path: Path, channels: Sequence[Channel], rate: int, n_seconds: int, blocks: Iterable[NDArray[np.float64]]
) -> None:
    """Write a BDF file of records of one second from blocks (channels, whole seconds · rate) in the channels' units."""
    with path.open("wb") as file:
        file.write(_header(channels, rate, n_seconds))
        done = 0
        for block in blocks:
            steps = np.array([[channel.step] for channel in channels])
            counts = np.clip(np.round(block / steps), _LOWEST, _HIGHEST).astype("<i4")
            records = counts.reshape(len(channels), -1, rate).transpose(1, 0, 2)
            file.write(np.ascontiguousarray(records).view(np.uint8).reshape(*records.shape, 4)[..., :3].tobytes())
            done += len(records)
    if done != n_seconds:
        raise StorageError(f"{done} s instead of {n_seconds} were written", where=path)


def _header(channels: Sequence[Channel], rate: int, n_records: int) -> bytes:
    size = str(256 * (1 + len(channels)))
    fixed = (("", 80), ("", 80), ("01.01.00", 8), ("00.00.00", 8), (size, 8), ("24BIT", 44), (str(n_records), 8))
    start = _MAGIC + "".join(text.ljust(width) for text, width in fixed).encode("ascii")
    start += b"1".ljust(8) + str(len(channels)).ljust(4).encode("ascii")
    digital = (str(_LOWEST), str(_HIGHEST))
    rows = [(channel.label, "", channel.unit, *channel.limits, *digital, "", str(rate), "") for channel in channels]
    return start + b"".join(
        row[field].ljust(width).encode("ascii") for field, width in enumerate(_WIDTHS) for row in rows
    )
