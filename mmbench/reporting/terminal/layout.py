"""How tables are laid out and numbers are written in them."""

from pathlib import Path

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from mmbench.results import Interval


def plain_table(heading: str) -> Table:
    """A table without lines whose first column is named ``heading``; one blank between columns."""
    # On the left alone: rich would put a second one on the right.
    table = Table(box=None, padding=(0, 0, 0, 1), pad_edge=False)
    # Text, since the brackets of only[modality=eeg] would be read as markup.
    table.add_column(Text(heading), overflow="fold")
    return table


def show_interval(interval: Interval) -> str:
    """An interval as 0.620 [.57, .68]."""
    return f"{interval.mean:.3f} [{_short(interval.low)}, {_short(interval.high)}]"


def show_difference(interval: Interval) -> str:
    """A difference with its interval as +.021 [-.03, +.07]."""
    return f"{show_gap(interval.mean)} [{show_gap(interval.low, 2)}, {show_gap(interval.high, 2)}]"


def show_p(p: float) -> str:
    """A p value as .021, or <.001."""
    return "<.001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def _short(value: float) -> str:
    return f"{value:.2f}".removeprefix("0") if value < 1 else "1"


def show_gap(value: float, digits: int = 3) -> str:
    """A difference as +.012 or -.012."""
    return f"{value:+.{digits}f}".replace("0.", ".", 1)


def from_here(path: Path) -> Path:
    """A path as one would type it from the folder we are in."""
    path = path.resolve()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def path_line(what: str, path: Path) -> Text:
    """Where something is, on one line however long, so that it can be copied."""
    return Text(f"{what}: {from_here(path)}", style="dim", no_wrap=True, overflow="ignore")


def render(renderable: RenderableType, width: int = 80) -> str:
    """A table as plain text."""
    console = Console(width=width, no_color=True, force_terminal=False, markup=False, emoji=False)
    with console.capture() as capture:
        console.print(renderable, crop=False)
    return capture.get()
