"""Progress as plain lines on stderr."""

import time
from datetime import timedelta

from mmbench.cli.output.console import note

_PAUSE = 10  # seconds between lines, and after which the rate of a stage is printed


def format_rate(speed: float) -> str:
    """Steps per second, or seconds per step if that is the larger number."""
    return f"{speed:.1f}/s" if speed >= 1 else f"{1 / speed:.1f}s each"


def is_job_label(label: str) -> bool:
    """Whether a label is that of a single job, which has a dot, and not that of a stage."""
    return " · " in label


class ProgressLines:
    """Progress as plain lines where stderr is not a terminal: of each stage at most a line per tenth and `_PAUSE`."""

    def __init__(self) -> None:
        self._bars: dict[int, tuple[str, int | None, int]] = {}
        self._started: dict[int, float] = {}
        self._tenths: dict[int, int] = {}  # printed last
        self._last = 0
        self._printed = time.monotonic()

    def start(self, label: str, total: int | None) -> int:
        """Begin counting."""
        self._last += 1
        self._bars[self._last] = (label, total, 0)
        self._started[self._last] = time.monotonic()
        return self._last

    def advance(self, key: int, text: str = "") -> None:
        """Count one step; print when another tenth is done, and the last line is long ago."""
        label, total, done = self._bars[key]
        self._bars[key] = (label, total, done + 1)
        # Epochs of single folds would flood the log.
        if not total or is_job_label(label) or (done + 1) * 10 // total == self._tenths.get(key, 0):
            return
        now = time.monotonic()
        if now - self._printed >= _PAUSE:
            self._tenths[key], self._printed = (done + 1) * 10 // total, now
            note(f"{label}: {done + 1}/{total}" + (f" ({text})" if text else "") + self._pace(key, now))

    def _pace(self, key: int, now: float) -> str:
        """Rate and remaining time of a stage that has run for `_PAUSE` seconds."""
        _, total, done = self._bars[key]
        seconds = now - self._started[key]
        if not total or seconds < _PAUSE:
            return ""
        left = timedelta(seconds=round(seconds / done * (total - done)))
        return f", {format_rate(done / seconds)}" + (f", {left} left" if done < total else "")

    def finish(self, key: int) -> None:
        """Forget the count."""
        self._bars.pop(key, None)
        self._started.pop(key, None)
        self._tenths.pop(key, None)

    def message(self, text: str) -> None:
        """Print a line."""
        note(text)
