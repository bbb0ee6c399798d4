"""Reads and checks the headers of EDF and BDF (BioSemi) files; inconsistent ones are errors."""

import math
import re
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Literal, NamedTuple

from mmbench import DataError

Form = Literal["EDF", "BDF"]

MAGIC: dict[Form, bytes] = {"EDF": b"0       ", "BDF": b"\xffBIOSEMI"}
"""First eight bytes of the files."""

WIDTHS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
"""Bytes of each field of a signal: label, transducer, unit, four limits, filter, samples per record, reserved.

The header holds one field of all signals, then the next field.
"""

SAMPLE_BYTES: dict[Form, int] = {"EDF": 2, "BDF": 3}
"""Bytes of a sample, a little-endian signed integer."""

ANNOTATIONS = ("EDF Annotations", "BDF Annotations")
"""Labels of annotation signals: text with the time of each record, and notes."""

_LABEL, _UNIT, _LIMITS, _SAMPLES = 0, 2, (3, 4, 5, 6), 8
_STARTS = (0, *accumulate(WIDTHS))
_BLOCK = 256  # bytes of the fixed part, and of the fields of each signal
_UNKNOWN = -1  # number of records where the recording was not ended properly

# Micro sign, Greek mu, and the latter in Shift JIS read as Latin-1, as some devices write it.
_MICRO = ("u", "\u00b5", "\u03bc", "\x83\u00ca".lower())
_VOLTS = {f"{micro}v": 1e-6 for micro in _MICRO} | {"mv": 1e-3, "v": 1.0, "nv": 1e-9}
_AMBIGUOUS = ("MV", "NV")  # a millivolt or a megavolt


class Scale(NamedTuple):
    """Maps stored integers to physical values: ``(integer * gain + offset) * unit``.

    ``unit`` is the header's unit in V, 1 if it is not a voltage.
    """

    gain: float
    offset: float
    unit: float


@dataclass(frozen=True)
class Header:
    """The checked header of ``path``; ``remedy`` is the advice for a damaged file.

    ``kind`` is ``EDF+C``, ``EDF+D`` (discontinuous), the same for BDF, or the reserved field of a plain file.
    ``limits`` are physical minimum and maximum, digital minimum and maximum of each signal, as written. ``records`` is
    the number of complete records, from the size of the file where the header leaves it open (-1); ``spare_bytes``
    follow them and belong to an incomplete record.
    """

    path: Path
    remedy: str
    form: Form
    kind: str
    labels: tuple[str, ...]
    units: tuple[str, ...]
    limits: tuple[tuple[str, str, str, str], ...]
    samples: tuple[int, ...]
    records: int
    record_seconds: float
    spare_bytes: int = 0

    @property
    def header_bytes(self) -> int:
        """Offset of the first record in bytes."""
        return _BLOCK * (1 + len(self.labels))

    @property
    def record_bytes(self) -> int:
        """Size of one record of all signals in bytes."""
        return SAMPLE_BYTES[self.form] * sum(self.samples)

    @property
    def is_discontinuous(self) -> bool:
        """Whether the file declares that there may be gaps between its records."""
        return self.kind[3:5].upper() == "+D"

    def index(self, label: str) -> int:
        """Index of a signal; raises DataError if there is none or more than one."""
        if (count := self.labels.count(label)) != 1:
            raise self.error(f"has {count} channels {label!r}" if count else f"lacks the channel {label!r}")
        return self.labels.index(label)

    def rate(self, label: str) -> float:
        """Sampling rate of a signal in Hz."""
        return self.samples[self.index(label)] / self.record_seconds

    def volts(self, label: str) -> float | None:
        """Unit of a signal in V, None if it is not a voltage."""
        unit = self.units[self.index(label)]
        return None if unit in _AMBIGUOUS else _VOLTS.get(unit.lower())

    def check_voltage(self, label: str) -> None:
        """Raise DataError unless the unit of a signal is a voltage."""
        if self.volts(label) is None:
            unit = self.units[self.index(label)]
            has = f"has the unit {unit!r}, which is not a voltage" if unit else "has no unit"
            raise self.error(f"channel {label!r} {has}", "correct the unit in the header (uV, mV, V or nV)")

    def scale(self, label: str) -> Scale:
        """Scale of a signal; raises DataError if its limits are invalid.

        A physical maximum below the minimum is an inverted amplifier, by the specification.
        """
        texts = self.limits[self.index(label)]
        try:
            low, high, digital_low, digital_high = (float(text.replace(",", ".")) for text in texts)
        except ValueError:
            raise self._limits_error(label, f"{', '.join(map(repr, texts))} are not four numbers") from None
        if not all(map(math.isfinite, (low, high, digital_low, digital_high))):
            raise self._limits_error(label, f"{', '.join(texts)} are not four finite numbers")
        if low == high:
            raise self._limits_error(label, f"its physical minimum and maximum are both {texts[0]}")
        bound = 2 ** (8 * SAMPLE_BYTES[self.form] - 1)
        if not -bound <= digital_low < digital_high < bound:
            message = f"its digital limits {texts[2]} to {texts[3]} are not ascending within {-bound} to {bound - 1}"
            raise self._limits_error(label, message)
        gain = (high - low) / (digital_high - digital_low)
        return Scale(gain, low - digital_low * gain, self.volts(label) or 1.0)

    def error(self, message: str, remedy: str | None = None) -> DataError:
        """An error about this file."""
        return DataError(message, where=self.path, remedy=remedy or self.remedy)

    def _limits_error(self, label: str, message: str) -> DataError:
        return self.error(f"channel {label!r} cannot be scaled: {message}")


def read_header(path: Path, form: Form, remedy: str) -> Header:
    """The header of a file; raises DataError with ``remedy`` for another format, damage or a wrong file size."""
    try:
        with path.open("rb") as file:
            fixed = file.read(_BLOCK)
            n_signals = _count_signals(form, fixed)
            signals = file.read(_BLOCK * n_signals)
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", where=path, remedy="change its permissions") from error
    except ValueError as error:
        name = "an EDF" if form == "EDF" else "a BDF"
        raise DataError(f"is not {name} file: {error}", where=path, remedy=remedy) from error
    try:
        header = _parse(path, remedy, form, fixed, signals)
    except ValueError as error:
        raise DataError(f"has a damaged header: {error}", where=path, remedy=remedy) from error
    return _check_size(header, path.stat().st_size)


def _count_signals(form: Form, fixed: bytes) -> int:
    """Number of signals that a header declares; raises ValueError if it is not a header of ``form``."""
    if not fixed:
        raise ValueError("it is empty")
    if not fixed.startswith(MAGIC[form]):
        for other, magic in MAGIC.items():
            if fixed.startswith(magic):
                raise ValueError(f"it is a{'n' if other == 'EDF' else ''} {other} file")
        raise ValueError(f"it begins with {fixed[:8].decode('latin1')!r}")
    if len(fixed) < _BLOCK:
        raise ValueError("it ends within its header")
    return _parse_integer(fixed[252:256], "number of signals", 1)


def _parse(path: Path, remedy: str, form: Form, fixed: bytes, signals: bytes) -> Header:
    """The parsed header; raises ValueError for invalid fields."""
    n_signals = int(fixed[252:256])
    if len(signals) < _BLOCK * n_signals:
        raise ValueError(f"it ends before the last of its {n_signals} signals")
    n_bytes = _parse_integer(fixed[184:192], "header length", 1)
    if n_bytes != _BLOCK * (1 + n_signals):
        raise ValueError(
            f"it declares {n_bytes} bytes, but a header of {n_signals} signals has {_BLOCK + len(signals)}"
        )

    def texts(field: int) -> list[str]:
        start, width = _STARTS[field] * n_signals, WIDTHS[field]
        return [_decode(signals[start + width * i : start + width * (i + 1)]) for i in range(n_signals)]

    labels, units = tuple(texts(_LABEL)), tuple(texts(_UNIT))
    limits = tuple(zip(*(texts(field) for field in _LIMITS), strict=True))
    samples = tuple(
        _parse_integer(text, f"samples a record of {label!r}", 1)
        for label, text in zip(labels, texts(_SAMPLES), strict=True)
    )
    records = _parse_integer(fixed[236:244], "number of records", _UNKNOWN)
    if records == 0:
        raise ValueError("its number of records is 0")
    kind = fixed[192:236].decode("latin1").strip()
    return Header(path, remedy, form, kind, labels, units, limits, samples, records, _seconds(fixed[244:252]))


def _check_size(header: Header, n_bytes: int) -> Header:
    """The header with the number of complete records; raises DataError if the file has another size than declared.

    A recording that was not ended properly declares no number of records, and may end within one.
    """
    there, spare = divmod(n_bytes - header.header_bytes, header.record_bytes)
    if header.records == _UNKNOWN and there > 0:
        return replace(header, records=there, spare_bytes=spare)
    declared = header.header_bytes + max(header.records, 1) * header.record_bytes
    if n_bytes != declared:
        raise header.error(f"is truncated or damaged: {n_bytes} bytes, but its header declares {declared}")
    return header


def _decode(text: bytes) -> str:
    """A field as text; it should be ASCII, but units with a micro sign occur in UTF-8 and Latin-1."""
    try:
        return text.decode("utf-8").strip(" \0")
    except UnicodeDecodeError:
        return text.decode("latin1").strip(" \0")


def _parse_integer(text: bytes | str, what: str, lowest: int) -> int:
    shown = (text.decode("latin1") if isinstance(text, bytes) else text).strip()
    if not re.fullmatch(r"[+-]?\d+", shown, re.ASCII) or int(shown) < lowest:
        raise ValueError(f"its {what} is {shown!r}")
    return int(shown)


def _seconds(text: bytes) -> float:
    shown = text.decode("latin1").strip()
    try:
        seconds = float(shown.replace(",", "."))
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ValueError(f"the duration of its records is {shown!r}")
    return seconds
