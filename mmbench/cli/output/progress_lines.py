"""Progress as plain lines on stderr."""

import time
from datetime import timedelta

from mmbench.cli.output.console import note

_LONG = 10  # seconds after which the rate is printed


def format_rate(speed: float) -> str:
    """Steps per second, or seconds per step if that is the larger number."""
    return f"{speed:.1f}/s" if speed >= 1 else f"{1 / speed:.1f}s each"


def is_job_label(label: str) -> bool:
    """Whether a label is that of a single job, which has a dot, and not that of a stage."""
    return " · " in label


class ProgressLines:
    """Progress as plain lines where stderr is not a terminal: a line per tenth of each stage."""

    def __init__(self) -> None:
        self._bars: dict[int, tuple[str, int | None, int]] = {}
        self._started: dict[int, float] = {}
        self._last = 0

    def start(self, label: str, total: int | None) -> int:
        """Begin counting."""
        self._last += 1
        self._bars[self._last] = (label, total, 0)
        self._started[self._last] = time.monotonic()
        return self._last

    def advance(self, key: int, text: str = "") -> None:
        """Count one step, and print when another tenth is done."""
        label, total, done = self._bars[key]
        self._bars[key] = (label, total, done + 1)
        # Epochs of single folds would flood the log.
        if total and not is_job_label(label) and (done + 1) * 10 // total > done * 10 // total:
            note(f"{label}: {done + 1}/{total}" + (f" ({text})" if text else "") + self._pace(key))

    def _pace(self, key: int) -> str:
        """Rate and remaining time of a stage that has run for `_LONG` seconds."""
        _, total, done = self._bars[key]
        seconds = time.monotonic() - self._started[key]
        if not total or seconds < _LONG:
            return ""
        left = timedelta(seconds=round(seconds / done * (total - done)))
        return f", {format_rate(done / seconds)}" + (f", {left} left" if done < total else "")

    def finish(self, key: int) -> None:
        """Forget the count."""
        self._bars.pop(key, None)
        self._started.pop(key, None)

    def message(self, text: str) -> None:
        """Print a line."""
        note(text)
