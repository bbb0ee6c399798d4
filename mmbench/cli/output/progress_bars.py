"""Progress as bars on a terminal; a module of its own, so that rich is imported only where it draws."""

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

from mmbench.cli.output.progress_lines import format_rate, is_job_label
from mmbench.storage import use_reporter


class Rate(ProgressColumn):
    """Column of steps per second, or of seconds per step if that is the larger number."""

    def render(self, task: Task) -> Text:
        """The rate so far; nothing before there is one."""
        return Text(format_rate(task.speed) if task.speed else "", style="dim")


class ProgressBars:
    """Progress bars, those of single jobs beneath that of their stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def start(self, label: str, total: int | None) -> int:
        """Begin a bar."""
        text = f"  {label}" if is_job_label(label) else label
        return int(self._progress.add_task(text, total=total, note=""))

    def advance(self, key: int, note: str = "") -> None:
        """One step further."""
        self._progress.update(key, advance=1, note=note)  # type: ignore[arg-type]  # a TaskID is an int

    def finish(self, key: int) -> None:
        """Remove the bar."""
        self._progress.remove_task(key)  # type: ignore[arg-type]  # a TaskID is an int

    def message(self, text: str) -> None:
        """Print a line above the bars."""
        self._progress.console.print(text, markup=False, highlight=False)


@contextmanager
def show_bars() -> Iterator[None]:
    """Draw bars on stderr while the block runs, and remove them at its end."""
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
        use_reporter(ProgressBars(bars)),
    ):
        yield
