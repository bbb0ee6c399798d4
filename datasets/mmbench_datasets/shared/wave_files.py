"""Reads WAV files as bytes, after checking that their sound is complete, and writes them."""

import io
import wave
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from mmbench import DataError, check_content, written_whole
from mmbench_datasets.shared.remedies import GET_AGAIN

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NO_SIZE = 0x7FFE0000  # bytes of data from here on say that the writer did not know the size


def load_wave(path: Path, rate: int | None = None) -> bytes:
    """The bytes of a WAV file, of ``rate`` Hz if given; raises DataError as `check_wave`."""
    check_content(path)
    content = path.read_bytes()
    _check_sound(io.BytesIO(content), path, len(content), rate)
    return content


def check_wave(path: Path, rate: int | None = None) -> None:
    """Raise DataError if a file is no WAV file of PCM samples, ends early, or holds no sound; reads its header only.

    A decoder would read the part of a truncated file that is there, as if nothing was missing.
    """
    check_content(path)
    with path.open("rb") as file:
        _check_sound(file, path, path.stat().st_size, rate)


def cut_wave(content: bytes, start: float, stop: float) -> bytes | None:
    """A WAV file of the sound from ``start`` to ``stop`` s of a complete one; None where it ends before ``stop``."""
    with wave.open(io.BytesIO(content)) as sound:
        first, last = round(start * sound.getframerate()), round(stop * sound.getframerate())
        if last > sound.getnframes():
            return None
        sound.setpos(first)
        piece, cut = sound.readframes(last - first), io.BytesIO()
        with wave.open(cut, "wb") as file:
            file.setparams(sound.getparams())
            file.writeframes(piece)
    return cut.getvalue()


def write_wave(path: Path, samples: "NDArray[np.int16]", rate: int) -> None:
    """Write one channel of 16 bits, ``(time,)``, at ``rate`` Hz."""
    with written_whole(path) as temporary, wave.open(str(temporary), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())


def _check_sound(file: BinaryIO, path: Path, size: int, rate: int | None) -> None:
    try:
        with wave.open(file) as sound:
            start = file.tell()  # the header ends where the sound begins
            found, n_frames, width = (
                sound.getframerate(),
                sound.getnframes(),
                sound.getnchannels() * sound.getsampwidth(),
            )
    except (wave.Error, EOFError, RuntimeError) as error:  # RuntimeError: a chunk that ends outside of the file
        reason = str(error) or "it ends early"
        raise DataError(f"is not a WAV file of PCM samples ({reason})", where=path, remedy=GET_AGAIN) from error
    there = max(0, size - start) // width
    if rate is not None and found != rate:
        raise DataError(f"has {found} Hz, not {rate}", where=path, remedy=GET_AGAIN)
    if there < n_frames and n_frames * width < _NO_SIZE:
        message = f"is truncated: its header says {n_frames} samples, it holds {there}"
        raise DataError(message, where=path, remedy=GET_AGAIN)
    if not min(there, n_frames):
        raise DataError("holds no sound: its length is zero", where=path, remedy=GET_AGAIN)
