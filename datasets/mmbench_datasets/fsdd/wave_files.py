"""Reads WAV files as bytes, after checking that their sound is complete."""

import io
import wave
from pathlib import Path

from mmbench import DataError, check_content

RATE = 8000  # Hz
_REMEDY = "get this file again, or leave such samples out with --bad drop"


def load_wave(path: Path) -> bytes:
    """The bytes of a WAV file of 8 kHz; raises DataError if it is none, ends early, or holds no sound.

    A decoder would read the part of a truncated file that is there, as if nothing was missing.
    """
    check_content(path)
    content = path.read_bytes()
    try:
        with wave.open(io.BytesIO(content)) as file:
            rate, n_frames, width = file.getframerate(), file.getnframes(), file.getnchannels() * file.getsampwidth()
            n_bytes = len(file.readframes(n_frames))
    except (wave.Error, EOFError, RuntimeError) as error:  # RuntimeError: a chunk that ends outside of the file
        reason = str(error) or "it ends early"
        raise DataError(f"is not a WAV file of PCM samples ({reason})", where=path, remedy=_REMEDY) from error
    if rate != RATE:
        raise DataError(f"has {rate} Hz, not {RATE}", where=path, remedy=_REMEDY)
    if n_bytes < n_frames * width:
        message = f"is truncated: its header says {n_frames} samples, it holds {n_bytes // width}"
        raise DataError(message, where=path, remedy=_REMEDY)
    if not n_frames:
        raise DataError("holds no sound: its length is zero", where=path, remedy=_REMEDY)
    return content
