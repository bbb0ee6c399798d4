"""Printing of the shell: results on stdout, everything else on stderr."""

import json
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

_WIDTH = 80


def show(renderable: "RenderableType", *, wrap: bool = True) -> None:
    """Print a result; 80 columns where stdout is not a terminal, lines as they are without ``wrap``."""
    from rich.console import Console

    # Nothing is markup: names of methods, classes and files may look like it.
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False, markup=False, emoji=False)
    console.print(renderable, crop=False, soft_wrap=not wrap)  # a path stays whole, however long


def show_text(text: str) -> None:
    """Print a text as a result; nothing in it is markup."""
    from rich.text import Text

    show(Text(text))


def show_lines(lines: Iterable[object]) -> None:
    """Print paths or commands on stdout, one a line, whole."""
    sys.stdout.writelines(f"{line}\n" for line in lines)


def show_json(value: object) -> None:
    """Print one JSON document on stdout."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def note(text: str) -> None:
    """Print a line on stderr; a closed stderr is ignored, since it is no reason for a run to end."""
    with suppress(OSError):
        sys.stderr.write(text + "\n")


def print_error(line: str) -> None:
    """Print an error on stderr, on one line, independent of the width of the terminal."""
    note(f"mmbench: {line}")
