"""Progress as bars on a terminal: apart from the rest of the console, so that rich is loaded only where it draws."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from mmbench.cli.console import is_job_label, show_rate
from mmbench.storage import reporting


class Rate(ProgressColumn):
    """Steps a second, or seconds a step where that is the larger number."""

    def render(self, task: Task) -> Text:
        """The rate so far; nothing before there is one."""
        return Text(show_rate(task.speed) if task.speed else "", style="dim")


class ProgressBars:
    """Progress as bars on a terminal, those of single jobs beneath the one of all."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def start(self, label: str, total: int | None) -> int:
        """Begin a bar."""
        shown = f"  {label}" if is_job_label(label) else label
        return int(self._progress.add_task(shown, total=total, note=""))

    def advance(self, key: int, note: str = "") -> None:
        """One step further."""
        self._progress.update(key, advance=1, note=note)  # type: ignore[arg-type]  # a TaskID is an int

    def finish(self, key: int) -> None:
        """Take the bar away."""
        self._progress.remove_task(key)  # type: ignore[arg-type]  # a TaskID is an int

    def message(self, text: str) -> None:
        """Print a line above the bars."""
        self._progress.console.print(text, markup=False, highlight=False)


@contextmanager
def show_bars() -> Iterator[None]:
    """Draw bars on stderr while the block runs; nothing of them stays."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=12),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with (
        Progress(*columns, console=Console(stderr=True, markup=False, emoji=False), transient=True) as bars,
        reporting(ProgressBars(bars)),
    ):
        yield
