"""Layout of terminal tables: columns, paths that can be copied, and rendering as plain text."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text


def plain_table(heading: str) -> Table:
    """A table without lines whose first column is named ``heading``; one blank between columns."""
    # On the left alone: rich would put a second one on the right.
    table = Table(box=None, padding=(0, 0, 0, 1), pad_edge=False)
    # Text, since the brackets of only[modality=eeg] would be read as markup.
    table.add_column(Text(heading), overflow="fold")
    return table


def number_table(heading: str, *numbers: str, names: Sequence[str] = ()) -> Table:
    """A table whose first columns, ``heading`` and ``names``, hold names and whose other columns hold numbers."""
    table = plain_table(heading)
    for column in names:
        table.add_column(column, no_wrap=True)
    for column in numbers:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def fitted_tables(parts: Mapping[str, tuple[Sequence[str], Mapping[str, Sequence[str]]]], width: int) -> RenderableType:
    """Tables of numbers, one below the other, none wider than ``width`` unless a single column is.

    ``parts`` are titles and the cells of each row by name; all in one table under the first heading where it fits.
    """
    whole = [column for titles, rows in parts.values() for column in _columns(titles, rows)]
    heading, (_, rows) = next(iter(parts.items()))
    names = tuple(rows)
    if _width([(heading, *names), *whole]) - 1 <= width:
        return _table_of(heading, names, whole)
    tables: list[RenderableType] = []
    for title, (titles, cells) in parts.items():
        room = width + 1 - _width([(title, *names)])
        for group in _groups(_columns(titles, cells), room):
            tables += [Text(), _table_of(title, names, group)]
    return Group(*tables[1:])


def _columns(titles: Sequence[str], rows: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    return [(title, *(cells[at] for cells in rows.values())) for at, title in enumerate(titles)]


def _groups(columns: Sequence[tuple[str, ...]], room: int) -> list[list[tuple[str, ...]]]:
    """Columns in groups, each as many as fit into ``room``, at least one."""
    groups: list[list[tuple[str, ...]]] = []
    for column in columns:
        if groups and _width([*groups[-1], column]) <= room:
            groups[-1].append(column)
        else:
            groups.append([column])
    return groups


def _table_of(heading: str, names: Sequence[str], columns: Sequence[Sequence[str]]) -> Table:
    table = number_table(heading, *(title for title, *_ in columns))
    for at, name in enumerate(names, start=1):
        table.add_row(*map(Text, (name, *(column[at] for column in columns))))
    return table


def _width(columns: Sequence[Sequence[str]]) -> int:
    """The width of columns, with the blank before each."""
    return sum(1 + max(len(line) for text in column for line in text.split("\n")) for column in columns)


def relative_path(path: Path) -> Path:
    """The path relative to the working directory where it lies inside of it, else absolute."""
    path = path.resolve()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def path_line(label: str, path: Path) -> Text:
    """A labelled path on one line, however long, so that it can be copied."""
    return Text(f"{label}: {relative_path(path)}", style="dim", no_wrap=True, overflow="ignore")


def render(renderable: RenderableType, width: int = 80) -> str:
    """A table as plain text."""
    console = Console(width=width, no_color=True, force_terminal=False, markup=False, emoji=False)
    with console.capture() as capture:
        console.print(renderable, crop=False)
    return capture.get()
