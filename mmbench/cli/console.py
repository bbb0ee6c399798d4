"""Where the shell prints: results on stdout, everything else on stderr."""

import json
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from mmbench.storage import reporting

if TYPE_CHECKING:
    from rich.console import RenderableType

_WIDTH = 80
_LONG = 10  # seconds from which on a rate is worth a word in a log


def show(renderable: "RenderableType") -> None:
    """Print a result; 80 columns where stdout is not a terminal."""
    from rich.console import Console

    # Nothing is markup: names of methods, classes and files may look like it.
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False, markup=False, emoji=False)
    console.print(renderable, crop=False)  # a path stays whole, however long


def show_text(text: str) -> None:
    """Print a text in which nothing is markup, though a name in it may look like it."""
    from rich.text import Text

    show(Text(text))


def show_lines(lines: Iterable[object]) -> None:
    """Print paths or commands on stdout, one a line, whole."""
    sys.stdout.writelines(f"{line}\n" for line in lines)


def show_json(value: object) -> None:
    """Print one JSON document on stdout."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def note(text: str) -> None:
    """Say something on stderr; nothing where nobody can hear it, since no run should end by that."""
    with suppress(OSError):
        sys.stderr.write(text + "\n")


def print_error(line: str) -> None:
    """Tell an error on stderr, on one line whatever the width of the terminal."""
    note(f"mmbench: {line}")


def show_rate(speed: float) -> str:
    """Steps a second, or seconds a step where that is the larger number."""
    return f"{speed:.1f}/s" if speed >= 1 else f"{1 / speed:.1f}s each"


def is_job_label(label: str) -> bool:
    """Whether a bar is that of one job (its label has a dot), beneath the bar of all."""
    return " · " in label


class ProgressLines:
    """Progress as plain lines where stderr is not a terminal: the long stages, a line each tenth."""

    def __init__(self) -> None:
        self._bars: dict[int, tuple[str, int | None, int]] = {}
        self._begun: dict[int, float] = {}
        self._last = 0

    def start(self, label: str, total: int | None) -> int:
        """Begin counting."""
        self._last += 1
        self._bars[self._last] = (label, total, 0)
        self._begun[self._last] = time.monotonic()
        return self._last

    def advance(self, key: int, text: str = "") -> None:
        """Count one step, and print when another tenth is done."""
        label, total, done = self._bars[key]
        self._bars[key] = (label, total, done + 1)
        # Epochs of single folds would drown the log.
        if total and not is_job_label(label) and (done + 1) * 10 // total > done * 10 // total:
            note(f"{label}: {done + 1}/{total}" + (f" ({text})" if text else "") + self._pace(key))

    def _pace(self, key: int) -> str:
        """Rate and time left of long stages; short ones are told by their end."""
        _, total, done = self._bars[key]
        seconds = time.monotonic() - self._begun[key]
        if not total or seconds < _LONG:
            return ""
        left = timedelta(seconds=round(seconds / done * (total - done)))
        return f", {show_rate(done / seconds)}" + (f", {left} left" if done < total else "")

    def finish(self, key: int) -> None:
        """Forget the count."""
        self._bars.pop(key, None)
        self._begun.pop(key, None)

    def message(self, text: str) -> None:
        """Print a line."""
        note(text)


@contextmanager
def progress(quiet: bool = False) -> Iterator[None]:
    """Show progress on stderr while the block runs; tell what a stop by Ctrl-C leaves."""
    try:
        with _reported(quiet):
            yield
    except KeyboardInterrupt:
        note("stopped: what was finished is kept, the same command goes on from there")
        raise


def _reported(quiet: bool) -> AbstractContextManager[object]:
    if quiet:
        return nullcontext()
    if not sys.stderr.isatty():
        return reporting(ProgressLines())
    from mmbench.cli.progress_bars import show_bars

    return show_bars()
