"""Audio: waveforms at the rate of the modality, coded without loss where that is smaller."""

import io
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmbench.data.samples.arrays import Array, check_finite, check_length, to_numbers
from mmbench.data.samples.bag import LEAVE_OUT, BagCheck
from mmbench.errors import PluginError

_FORMATS = ("WAV", "WAVEX", "FLAC", "OGG")
_CODED_RATE = 48000  # Hz in the header of coded waveforms, which nobody reads: the schema has the rate
_BITS = (16, 24)  # depths of FLAC that are tried
_FULL_SCALE = {"PCM_S8": 1 - 2**-7, "PCM_U8": 1 - 2**-7}
_CLIPPED_RUN = 3  # equal samples in a row at full scale from which a recording counts as clipped
_PIECE = 1 << 20  # samples of a channel that are read at once
_MAX_DENOMINATOR = 10_000  # of the ratio of two rates
_MAX_CHANGE = 256  # largest ratio of two rates, beyond which the header must be wrong
_NO_SIZE = 0x7FFF0000  # sizes of WAV data from here on say that the writer did not know the size


class Waveform(NamedTuple):
    """A waveform as it is stored: FLAC if that is smaller than ``length`` float32 values a channel, else these."""

    payload: bytes
    length: int


def check_waveforms(items: Sequence[Any], check: BagCheck) -> list[Waveform | None]:
    """Waveforms ``(channels, time)`` or coded files as they are stored.

    Files are mixed down to the channels and resampled to the rate of the modality. Silence is data. DataError for what
    cannot be decoded, has no samples or another number of channels or samples, and for NaN.
    """
    return [None if item is None else _check_waveform(item, check) for item in items]


def decode_waveform(payload: bytes, shape: tuple[int, int]) -> Array:
    """The float32 samples ``(channels, time)`` of a stored waveform of this shape; ValueError where it is damaged."""
    n_channels, length = shape
    if len(payload) == 4 * n_channels * length:
        return np.frombuffer(payload, dtype="<f4").reshape(shape).astype(np.float32)
    soundfile = _soundfile()
    try:
        with soundfile.SoundFile(io.BytesIO(payload)) as file:
            bits, found = int(file.subtype.removeprefix("PCM_")), (file.channels, file.frames)
            samples = file.read(dtype="int32", always_2d=True).T if found == shape else None
    except (soundfile.SoundFileError, ValueError, TypeError) as error:
        raise ValueError(f"its waveform cannot be decoded ({error})") from error
    if samples is None or samples.shape != shape:
        raise ValueError(f"its waveform has the shape {found}, not {shape}")
    return _from_integers(samples >> (32 - bits), bits)


def _check_waveform(item: Any, check: BagCheck) -> Waveform:
    x = _read(bytes(item), check) if isinstance(item, bytes | bytearray | memoryview) else _check_samples(item, check)
    check_length(x, check)
    check_finite(x, check)
    return Waveform(encode_waveform(x), x.shape[1])


def _check_samples(item: Any, check: BagCheck) -> Array:
    if isinstance(item, np.ndarray) and item.dtype.kind in "iub":
        raise check.error(f"has samples of type {item.dtype}", "divide them by full scale, to within -1 and 1")
    x = to_numbers(item, check)
    _count_clipped(x, 1 - 2**-15, check)
    return x


def encode_waveform(x: Array) -> bytes:
    """The smaller of FLAC, where it has exactly the same samples, and float32."""
    x = x + np.float32(0)  # -0.0, which FLAC does not have, becomes 0.0
    raw = np.ascontiguousarray(x, dtype="<f4").tobytes()
    coded = [found for bits in _BITS if (found := _encode(x, bits)) is not None and len(found) < len(raw)]
    return next((each for each in sorted(coded, key=len) if _decodes_to(each, x)), raw)


def _decodes_to(coded: bytes, x: Array) -> bool:
    try:
        return np.array_equal(decode_waveform(coded, (x.shape[0], x.shape[1])), x)
    except ValueError:
        return False


def _encode(x: Array, bits: int) -> bytes | None:
    """FLAC of samples that are whole numbers of ``bits`` bits; None for others."""
    scaled = x.astype(np.float64) * 2.0 ** (bits - 1)
    if np.abs(scaled).max() > 2.0 ** (bits - 1) or (scaled != np.rint(scaled)).any():
        return None
    soundfile, file = _soundfile(), io.BytesIO()
    whole = np.ldexp(scaled, 32 - bits).clip(-(2**31), 2**31 - 1).astype(np.int32)
    try:
        soundfile.write(file, whole.T, _CODED_RATE, subtype=f"PCM_{bits}", format="FLAC")
    except (soundfile.SoundFileError, ValueError):  # as for more than eight channels
        return None
    return file.getvalue()


def _from_integers(samples: NDArray[np.int32], bits: int) -> Array:
    x: Array = (samples.astype(np.float64) * 2.0 ** (1 - bits)).astype(np.float32)
    return x


def _read(content: bytes, check: BagCheck) -> Array:
    """The samples of a coded file, ``(channels, time)`` at the rate of the modality."""
    soundfile = _soundfile()
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            kind, rate, subtype, n_frames = file.format, file.samplerate, file.subtype, file.frames
            if kind not in _FORMATS:
                raise ValueError(f"it is a file of the format {kind}")
            missing = _missing_bytes(file.extra_info) if kind != "OGG" else 0
            x = _read_all(file)
    except (soundfile.SoundFileError, ValueError, RuntimeError, MemoryError) as error:
        reason = "it is empty" if not content else str(error).partition("<_io")[0].rstrip(" :") or "not recognised"
        raise check.error(
            f"cannot be read as WAV, FLAC or OGG ({reason}); it begins with {content[:8]!r}",
            "fix or remove the file, or leave such samples out with --bad drop",
        ) from error
    if missing or x.shape[1] < n_frames:
        raise check.error("has a truncated file", "get it again, or leave such samples out with --bad drop")
    if x.shape[1] == 0:
        raise check.error("has audio of length 0", LEAVE_OUT)
    _count_clipped(x, _FULL_SCALE.get(subtype, 1 - 2**-15), check)
    return _resample(_mix_down(x, check), rate, check)


def _read_all(file: Any) -> Array:
    """All samples of an open file, ``(channels, time)``, in pieces: a damaged header may state any length."""
    pieces = [np.zeros((0, file.channels), dtype=np.float32)]
    while len(piece := file.read(_PIECE, dtype="float32", always_2d=True)):
        pieces.append(piece)
    return np.ascontiguousarray(np.concatenate(pieces).T)


def _missing_bytes(log: str) -> int:
    """How many bytes of its data a WAV file lacks, by the log of libsndfile."""
    found = re.search(r"^data : (\d+) \(should be (\d+)\)", log, re.MULTILINE)
    stated, there = (int(number) for number in found.groups()) if found else (0, 0)
    return max(stated - there, 0) if stated < _NO_SIZE else 0


def _mix_down(x: Array, check: BagCheck) -> Array:
    wanted = check.modality.shape[0]
    if len(x) == wanted:
        return x
    if wanted != 1:
        raise check.error(f"has a file of {len(x)} channels, not {wanted}", "only one channel can be mixed from others")
    check.changes[f"mixed down from {len(x)} channels"] += 1
    mixed: Array = x.mean(axis=0, keepdims=True, dtype=np.float64).astype(np.float32)
    return mixed


def _resample(x: Array, rate: int, check: BagCheck) -> Array:
    wanted = float(check.modality.rate or rate)
    if rate == wanted or not np.isfinite(x).all():  # NaN is told as such, not spread by a filter
        return x
    from scipy.signal import resample_poly

    ratio = (Fraction(wanted) / rate).limit_denominator(_MAX_DENOMINATOR)
    if not 1 / _MAX_CHANGE <= ratio <= _MAX_CHANGE:
        raise check.error(f"has a file at {rate} Hz, too far from {wanted:g} Hz to be resampled", "check its header")
    check.changes[f"resampled from {rate:g} Hz to {wanted:g} Hz"] += 1
    resampled: Array = resample_poly(x.astype(np.float64), ratio.numerator, ratio.denominator, axis=1).astype(
        np.float32
    )
    return resampled


def _count_clipped(x: Array, full_scale: float, check: BagCheck) -> None:
    """Count a recording in which samples in a row have the same value at or above full scale."""
    if x.ndim != 2 or x.shape[1] < _CLIPPED_RUN:
        return
    n = x.shape[1] - _CLIPPED_RUN + 1
    run = np.abs(x[:, :n]) >= full_scale
    for at in range(1, _CLIPPED_RUN):
        run &= x[:, at : at + n] == x[:, :n]
    if run.any():
        check.changes["clipped"] += 1


def _soundfile() -> Any:
    """The library ``soundfile``; PluginError where its own library is missing."""
    try:
        import soundfile
    except (ImportError, OSError) as error:
        raise PluginError(
            f"audio needs the package soundfile, which cannot be loaded ({error})",
            where="soundfile",
            remedy="pip install soundfile",
        ) from error
    return soundfile
