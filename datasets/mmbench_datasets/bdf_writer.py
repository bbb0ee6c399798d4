"""Writes BDF files, BioSemi's 24-bit variant of EDF."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench import StorageError
from mmbench_datasets.edf import MAGIC, WIDTHS

_LOWEST, _HIGHEST = -(2**23), 2**23 - 1


@dataclass(frozen=True)
class Channel:
    """Label, unit and largest representable value of a signal."""

    label: str
    unit: str
    largest: float

    @property
    def step(self) -> float:
        """Quantisation step, in the unit of the channel."""
        return self.largest / _HIGHEST

    @property
    def limits(self) -> tuple[str, str]:
        """Physical minimum and maximum as eight characters each, the width of the header fields."""
        return f"{-self.largest - self.step:.8g}"[:8], f"{self.largest:.8g}"[:8]


def write_bdf(
    path: Path, channels: Sequence[Channel], rate: int, n_seconds: int, blocks: Iterable[NDArray[np.float64]]
) -> None:
    """Write a BDF file, 1 s per record, from blocks (channels, whole seconds · rate) in the units of the channels."""
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
        raise StorageError(f"got {done} s of signals to write, expected {n_seconds}", where=path)


def _header(channels: Sequence[Channel], rate: int, n_records: int) -> bytes:
    size = str(256 * (1 + len(channels)))
    fixed = (("", 80), ("", 80), ("01.01.00", 8), ("00.00.00", 8), (size, 8), ("24BIT", 44), (str(n_records), 8))
    start = MAGIC["BDF"] + "".join(text.ljust(width) for text, width in fixed).encode("ascii")
    start += b"1".ljust(8) + str(len(channels)).ljust(4).encode("ascii")
    digital = (str(_LOWEST), str(_HIGHEST))
    rows = [(channel.label, "", channel.unit, *channel.limits, *digital, "", str(rate), "") for channel in channels]
    return start + b"".join(
        row[field].ljust(width).encode("ascii") for field, width in enumerate(WIDTHS) for row in rows
    )
