"""Relays the progress of jobs in other processes to the reporter of this one."""

import threading
from multiprocessing import Manager
from types import TracebackType
from typing import Any, Protocol

from mmbench.storage import Reporter, SilentReporter, current_reporter


class Channel(Protocol):
    """Takes notes of jobs: a label, the number of steps and a text on the last step, None at the end."""

    def put(self, item: tuple[str, int, str | None]) -> None:
        """Send one note."""


class Relay:
    """A progress bar for all jobs and one for each that runs; with one job at a time no other process is started."""

    def __init__(self, jobs: int, total: int, label: str) -> None:
        self._reporter: Reporter = current_reporter()
        self._total, self._label = total, label
        self._bars: dict[str, int] = {}
        self._apart = jobs > 1 and not isinstance(self._reporter, SilentReporter)

    def __enter__(self) -> "Relay":
        self._all = self._reporter.start(self._label, self._total)
        self.channel: Channel = _Direct(self)
        if self._apart:
            self._manager = Manager()
            self._queue: Any = self._manager.Queue()
            self.channel = self._queue
            self._thread = threading.Thread(target=self._listen, daemon=True)
            self._thread.start()
        elif isinstance(self._reporter, SilentReporter):
            self.channel = SilentChannel()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._apart:
            try:
                self._queue.put(None)
                self._thread.join(timeout=5)
            finally:
                self._manager.shutdown()
        for key in (*self._bars.values(), self._all):
            self._reporter.finish(key)

    def done(self, label: str) -> None:
        """One job is finished."""
        self._reporter.advance(self._all, label)

    def note(self, label: str, steps: int, word: str | None) -> None:
        """Show one note of a job."""
        if word is None:
            key = self._bars.pop(label, None)
            if key is not None:
                self._reporter.finish(key)
            return
        if label not in self._bars:
            self._bars[label] = self._reporter.start(label, steps)
        self._reporter.advance(self._bars[label], word)

    def _listen(self) -> None:
        while (item := self._queue.get()) is not None:
            self.note(*item)


class _Direct:
    """A channel within this process."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def put(self, item: tuple[str, int, str | None]) -> None:
        self._relay.note(*item)


class SilentChannel:
    """A channel that drops its notes; cheap to send to another process."""

    def put(self, item: tuple[str, int, str | None]) -> None:
        """Send nothing."""
