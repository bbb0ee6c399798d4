"""The matrix of pairwise comparisons for the terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from mmbench.reporting.pair_matrix import MARKS, PairMatrix
from mmbench.reporting.terminal.layout import fitted_tables

_LONGEST = 36  # columns of a name; of longer ones the number and the beginning are shown


def matrix_table(matrix: PairMatrix, note: str, width: int = 80) -> RenderableType:
    """A mark for each two methods, numbered with the best first, and what the marks say."""
    numbers = [str(at) for at in range(1, len(matrix.names) + 1)]
    rows = {
        f"{number} {_shorten(name)}": [cell.mark if cell else "" for cell in row]
        for number, name, row in zip(numbers, matrix.names, matrix.rows, strict=True)
    }
    tables = fitted_tables({"pairwise": (numbers, rows)}, width)
    return Group(tables, Text(f"\n{MARKS}\n{note}", style="dim"))


def _shorten(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 4]} ..."
