"""Pages of leaderboards: one per board, and an index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmbench.reporting.leaderboards.boards import Board
from mmbench.reporting.leaderboards.columns import (
    INDEX,
    N_SETTINGS,
    SUITE_INDEX,
    Cell,
    Column,
    board_cells,
    board_columns,
    index_cells,
)
from mmbench.reporting.leaderboards.markdown import board_facts, column_notes, relative_url
from mmbench.reporting.leaderboards.standings import Standing, find_pairs, find_standings
from mmbench.reporting.metric_names import direction_note
from mmbench.reporting.number_format import format_difference, format_p
from mmbench.reporting.pages.rendering import render_page
from mmbench.reporting.pair_matrix import LEAST, MARKS, make_matrix
from mmbench.reporting.terminal.warnings import ComparisonWarning, find_warnings
from mmbench.results import Comparison, Pair
from mmbench.storage import plural_of

_N_NAMES = 2  # columns of rank and method


@dataclass(frozen=True)
class Row:
    """A run on its board: ``cells`` are its scores, ``settings`` its settings and cost, both after rank and method.

    ``url`` is the relative URL of its records.
    """

    run: str
    url: str
    method: str
    is_strong: bool
    cells: Sequence[Cell]
    settings: Sequence[Cell]


@dataclass(frozen=True)
class PairRow:
    """Two runs, by folders and names, and the difference of the first minus the second."""

    first: str
    second: str
    names: tuple[str, str]
    difference: str
    p: str


@dataclass(frozen=True)
class IndexTable:
    """A table of the index; ``cells`` by the folder of each row."""

    key: str
    title: str
    caption: str
    columns: Sequence[Column]
    cells: Mapping[str, Sequence[str]]

    @property
    def rows(self) -> Sequence[tuple[str, Sequence[str]]]:
        """The relative URL of the page and the cells of each row."""
        return [(relative_url(f"{path}/index.html"), cells) for path, cells in self.cells.items()]


_BOARDS = "Each board with its best run and the number of runs tied with it (not significantly worse)"
_SUITES = "Each suite with its best method over datasets"


def board_page(board: Board, back: str) -> str:
    """The page of one board; ``back`` is the relative path from its folder to the index."""
    names = {method.folder.name: method.name for method in board.ranked}
    columns, pairs = board_columns(board.comparison), find_pairs(board)
    return render_page(
        "board.html",
        kind="boards",
        board=board,
        back=back,
        facts=board_facts(board),
        warnings=list(find_warnings(board.comparison)),
        notes=column_notes(board),
        units=plural_of(board.comparison.run["unit"]),
        metric=board.comparison.metric_title,
        direction=direction_note(board.comparison),
        columns=columns[:-N_SETTINGS],
        settings=(*columns[:_N_NAMES], *columns[-N_SETTINGS:]),
        rows=[_row(standing, board.comparison) for standing in find_standings(board)],
        matrix=make_matrix(pairs, names) if len(names) >= LEAST else None,
        marks=MARKS,
        pairs=[_pair(pair, names) for pair in pairs],
    )


def index_page(
    boards: Mapping[str, Board], suites: Mapping[str, Sequence[str]], warnings: Sequence[ComparisonWarning]
) -> str:
    """The index of all boards and suites by folder; of a suite, its cells. ``warnings`` are about all boards."""
    tables = [
        IndexTable("boards", "Boards", _BOARDS, INDEX, {path: index_cells(board) for path, board in boards.items()}),
        IndexTable("suites", "Suites", _SUITES, SUITE_INDEX, suites),
    ]
    return render_page(
        "boards.html", kind="boards", tables=[table for table in tables if table.rows], warnings=warnings
    )


def _row(standing: Standing, comparison: Comparison) -> Row:
    cells = board_cells(standing, comparison)
    settings = (*cells[:_N_NAMES], *cells[-N_SETTINGS:])
    return Row(
        standing.run, relative_url(standing.run), standing.method, standing.is_strong, cells[:-N_SETTINGS], settings
    )


def _pair(pair: Pair, names: Mapping[str, str]) -> PairRow:
    both = names[pair.first], names[pair.second]
    return PairRow(pair.first, pair.second, both, format_difference(pair.difference), format_p(pair.p))
