"""The fixed-width headers of EDF and of BioSemi's BDF files: what mne only warns about is an error here."""

from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Literal

from mmbench import DataError

Form = Literal["EDF", "BDF"]

MAGIC: dict[Form, bytes] = {"EDF": b"0       ", "BDF": b"\xffBIOSEMI"}
"""How the files begin."""

WIDTHS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
"""Bytes of each field of a signal: label, transducer, unit, four limits, filter, samples a record, reserved.

A field is stored for all signals before the next one.
"""

_LABEL, _UNIT, _SAMPLES = 0, 2, 8
_STARTS = (0, *accumulate(WIDTHS))
_SAMPLE_BYTES: dict[Form, int] = {"EDF": 2, "BDF": 3}
_BLOCK = 256  # bytes of the fixed part, and of what is said of each signal


@dataclass(frozen=True)
class Header:
    """What a file says of itself: names, units and samples a record of its signals; its records."""

    form: Form
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
        return _BLOCK * (1 + len(self.labels)) + _SAMPLE_BYTES[self.form] * self.records * sum(self.samples)


def read_header(path: Path, form: Form, remedy: str) -> Header:
    """The header of a file that is as long as it says; DataError with ``remedy`` when it is not, or of another form."""
    try:
        with path.open("rb") as file:
            fixed = file.read(_BLOCK)
            n_signals = int(fixed[252:256])
            if not fixed.startswith(MAGIC[form]) or n_signals < 1:
                raise ValueError("not a header")
            header = _parse(form, fixed, file.read(_BLOCK * n_signals), n_signals)
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", where=path, remedy="mend its permissions") from error
    except ValueError as error:
        raise DataError(f"is not {'an EDF' if form == 'EDF' else 'a BDF'} file", where=path, remedy=remedy) from error
    if (size := path.stat().st_size) != header.file_bytes:
        message = f"is truncated or damaged: {size} bytes, but its header promises {header.file_bytes}"
        raise DataError(message, where=path, remedy=remedy)
    return header


def _parse(form: Form, fixed: bytes, signals: bytes, n_signals: int) -> Header:
    records, seconds = int(fixed[236:244]), float(fixed[244:252])
    if len(signals) != _BLOCK * n_signals or records < 1 or not seconds > 0:
        raise ValueError("not a header")

    def texts(field: int) -> list[str]:
        start, width = _STARTS[field] * n_signals, WIDTHS[field]
        return [signals[start + width * i : start + width * (i + 1)].decode("latin1").strip() for i in range(n_signals)]

    samples = tuple(int(text) for text in texts(_SAMPLES))
    return Header(form, tuple(texts(_LABEL)), tuple(texts(_UNIT)), samples, records, seconds)
