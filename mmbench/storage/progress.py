"""Progress of long work, shown by the current reporter; silent by default."""

from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

T = TypeVar("T")


class Reporter(Protocol):
    """Displays progress bars: a bar is started, advanced and finished under a key."""

    def start(self, label: str, total: int | None) -> int:
        """Begin a bar and return its key."""

    def advance(self, key: int, note: str = "") -> None:
        """Advance by one step; ``note`` replaces the text behind the bar."""

    def finish(self, key: int) -> None:
        """Remove the bar."""

    def message(self, text: str) -> None:
        """Print a line above the bars."""


class SilentReporter:
    """A reporter that shows nothing."""

    def start(self, label: str, total: int | None) -> int:
        """Begin nothing."""
        return 0

    def advance(self, key: int, note: str = "") -> None:
        """Advance nothing."""

    def finish(self, key: int) -> None:
        """Finish nothing."""

    def message(self, text: str) -> None:
        """Print nothing."""


_reporter: ContextVar[Reporter] = ContextVar("mmbench_reporter", default=SilentReporter())  # noqa: B039 - Silent has no state


def current_reporter() -> Reporter:
    """The reporter in use."""
    return _reporter.get()


@contextmanager
def use_reporter(new: Reporter) -> Iterator[None]:
    """Send all progress to ``new`` while the block runs."""
    token = _reporter.set(new)
    try:
        yield
    finally:
        _reporter.reset(token)


class RecordingReporter:
    """A reporter that keeps the ``lines`` of messages and passes everything on to another."""

    def __init__(self, inner: Reporter) -> None:
        self._inner = inner
        self.lines: list[str] = []

    def start(self, label: str, total: int | None) -> int:
        """Begin a bar of the other reporter."""
        return self._inner.start(label, total)

    def advance(self, key: int, note: str = "") -> None:
        """Advance a bar of the other reporter."""
        self._inner.advance(key, note)

    def finish(self, key: int) -> None:
        """Finish a bar of the other reporter."""
        self._inner.finish(key)

    def message(self, text: str) -> None:
        """Keep a line and pass it on."""
        self.lines.append(text)
        self._inner.message(text)


@contextmanager
def record_messages() -> Iterator[list[str]]:
    """The list of the messages that the current reporter gets while the block runs."""
    recording = RecordingReporter(current_reporter())
    with use_reporter(recording):
        yield recording.lines


def track(items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Yield ``items`` and show progress; ``total`` is their number if they have no length."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    bars = current_reporter()
    key = bars.start(label, total)
    try:
        for item in items:
            yield item
            bars.advance(key)
    finally:
        bars.finish(key)
