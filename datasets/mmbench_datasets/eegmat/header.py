"""The fixed-width header of an EDF file: what mne only warns about is an error here."""

from dataclasses import dataclass
from pathlib import Path

from mmbench import DataError

_REMEDY = "get this file again"


@dataclass(frozen=True)
class Header:
    """What an EDF file says of itself: labels and samples per record of its signals, and its records."""

    labels: tuple[str, ...]
    samples: tuple[int, ...]
    records: int
    record_seconds: float

    def rate(self, label: str) -> float:
        """Sampling rate of a signal in Hz."""
        return self.samples[self.labels.index(label)] / self.record_seconds

    @property
    def file_bytes(self) -> int:
        """The size of the whole file: header, then 16-bit samples."""
        return 256 * (1 + len(self.labels)) + 2 * self.records * sum(self.samples)


def read_header(path: Path) -> Header:
    """The header of an EDF file that is as long as it says; DataError when it is not, or is no EDF file."""
    try:
        with path.open("rb") as file:
            fixed = file.read(256)
            header = _parse(fixed, file.read(256 * int(fixed[252:256])))
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", where=path, remedy="mend its permissions") from error
    except ValueError as error:
        raise DataError("is not an EDF file", where=path, remedy=_REMEDY) from error
    if (size := path.stat().st_size) != header.file_bytes:
        message = f"is damaged: {size} bytes, but its header promises {header.file_bytes}"
        raise DataError(message, where=path, remedy=_REMEDY)
    return header


def _parse(fixed: bytes, signals: bytes) -> Header:
    n_signals = int(fixed[252:256])
    records, seconds = int(fixed[236:244]), float(fixed[244:252])
    if not fixed.startswith(b"0       ") or len(signals) != 256 * n_signals or records < 1 or not seconds > 0:
        raise ValueError("not a header")
    # Fields are stored field by field, each for all signals; the samples per record begin after 216 bytes a signal.
    labels = [signals[16 * i : 16 * (i + 1)].decode("ascii").strip() for i in range(n_signals)]
    start = 216 * n_signals
    samples = [int(signals[start + 8 * i : start + 8 * (i + 1)]) for i in range(n_signals)]
    return Header(tuple(labels), tuple(samples), records, seconds)
