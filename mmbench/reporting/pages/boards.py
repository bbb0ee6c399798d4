"""Pages of leaderboards: one a board, and an index over all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmbench.reporting.leaderboards.boards import Board
from mmbench.reporting.leaderboards.columns import COLUMNS, INDEX, Cell, board_cells, index_cells
from mmbench.reporting.leaderboards.markdown import address, facts_of, notes_of
from mmbench.reporting.leaderboards.standings import Pair, Standing, find_pairs, find_standings
from mmbench.reporting.pages.rendering import render_page
from mmbench.reporting.terminal.layout import show_difference, show_p
from mmbench.reporting.terminal.warnings import find_warnings


@dataclass(frozen=True)
class Row:
    """A run on its board; ``address`` leads to its records."""

    run: str
    address: str
    method: str
    is_tied: bool
    cells: Sequence[Cell]


@dataclass(frozen=True)
class PairRow:
    """Two runs, by their folders and names, and what the first has over the second."""

    first: str
    second: str
    names: tuple[str, str]
    difference: str
    p: str


def board_page(board: Board, back: str) -> str:
    """The page of one board; ``back`` leads from its folder to that of the index."""
    names = {method.folder.name: method.name for method in board.ranked}
    return render_page(
        "board.html",
        kind="boards",
        board=board,
        back=back,
        facts=facts_of(board),
        warnings=list(find_warnings(board.comparison)),
        notes=notes_of(board),
        columns=COLUMNS,
        rows=[_row(standing) for standing in find_standings(board)],
        pairs=[_pair(pair, names) for pair in find_pairs(board)],
    )


def index_page(boards: Mapping[str, Board]) -> str:
    """The page that leads to every board."""
    rows = [(address(f"{path}/index.html"), index_cells(board)) for path, board in boards.items()]
    return render_page("boards.html", kind="boards", columns=INDEX, rows=rows)


def _row(standing: Standing) -> Row:
    return Row(standing.run, address(standing.run), standing.method, standing.is_tied, board_cells(standing))


def _pair(pair: Pair, names: Mapping[str, str]) -> PairRow:
    both = names[pair.first], names[pair.second]
    return PairRow(pair.first, pair.second, both, show_difference(pair.difference), show_p(pair.p))
