"""Standard streams that take every text: signs that an encoding lacks are written in ASCII, names of files as they are.

Without this a terminal of LANG=C, a log in Latin-1 or the name of a file that is not UTF-8 ends in a traceback.
"""

import codecs
import io
import os
import sys
from pathlib import Path

_HANDLER = "mmbench.plain"
# What tables and messages are set with.
_PLAIN = {
    "·": "-", "—": "-", "–": "-", "−": "-", "…": "...", "×": "x", "µ": "u", "±": "+/-", "≤": "<=", "≥": ">=",
    "→": "->", "↳": "->", "¹": "(1)", "²": "(2)", "³": "(3)", "●": "*", "○": "o", "━": "-", "╸": "-", "╺": "-",
    "’": "'", "‘": "'", "“": '"', "”": '"', "\u00a0": " ",
}  # fmt: skip


def make_plain(text: str) -> str:
    """A text in ASCII: signs as those that are like them, other characters by their numbers."""
    return "".join(_PLAIN.get(sign, sign) for sign in text).encode("ascii", "backslashreplace").decode("ascii")


def prepare_streams() -> None:
    """Let stdout and stderr write what their encoding lacks, and go nowhere if they are closed."""
    codecs.register_error(_HANDLER, _write_plain)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open as long as the process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _write_plain(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    if all(0xDC80 <= ord(sign) <= 0xDCFF for sign in text):
        return text.encode("ascii", "surrogateescape"), error.end  # the bytes of a file's name
    return make_plain(text), error.end
