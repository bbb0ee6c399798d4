"""Pages of leaderboards: one a board, and an index over all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmbench.leaderboards.boards import Board
from mmbench.leaderboards.markdown import audit_word, cells_of, facts_of, notes_of, warnings_of
from mmbench.leaderboards.standings import Pair, Standing, find_pairs, find_standings
from mmbench.pages.rendering import render_page
from mmbench.report.layout import show_difference, show_interval, show_p


@dataclass(frozen=True)
class Column:
    """A column of a board; ``help`` says what it holds where its name does not."""

    name: str
    is_number: bool
    help: str = ""


@dataclass(frozen=True)
class Cell:
    """What stands in a cell, and what it is sorted by."""

    text: str
    value: float | str


@dataclass(frozen=True)
class Row:
    """A run on its board."""

    run: str
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


COLUMNS = (
    Column("rank", True, "by balanced accuracy; = where no evidence tells a run from the best"),
    Column("method", False),
    Column("bal. accuracy", True, "with its 95 % interval"),
    Column("accuracy", True),
    Column("macro F1", True),
    Column("ECE", True, "expected calibration error"),
    Column("last", True, "what the last epoch would have added"),
    Column("oracle", True, "what the best epoch by test labels would have added"),
    Column("tuning", False, "what each fold might spend"),
    Column("encoders", False),
    Column("seeds", True),
    Column("params", True),
    Column("FLOPs", True, "of one sample"),
    Column("train", True, "time of one training, on the machine that made the records"),
    Column("versions", False),
)
_INDEX = ("dataset", "task", "protocol", "runs", "best", "bal. accuracy", "chance", "audit")


def board_page(board: Board, back: str) -> str:
    """The page of one board; ``back`` leads from its folder to that of the index."""
    by_run = {method.folder.name: method for method in board.ranked}
    return render_page(
        "board.html",
        kind="boards",
        board=board,
        back=back,
        facts=facts_of(board),
        warnings=warnings_of(board),
        notes=notes_of(board),
        columns=COLUMNS,
        rows=[_row(standing, board) for standing in find_standings(board)],
        pairs=[_pair(pair, {run: method.name for run, method in by_run.items()}) for pair in find_pairs(board)],
    )


def index_page(boards: Mapping[str, Board]) -> str:
    """The page that leads to every board."""
    return render_page(
        "boards.html", kind="boards", columns=_INDEX, rows=[_index_row(path, board) for path, board in boards.items()]
    )


def _row(standing: Standing, board: Board) -> Row:
    method = next(method for method in board.ranked if method.folder.name == standing.run)
    cost = method.cost
    values: tuple[float | str, ...] = (
        standing.rank,
        standing.method,
        standing.scores["balanced_accuracy"].mean,
        standing.scores["accuracy"].mean,
        standing.scores["macro_f1"].mean,
        standing.ece,
        standing.last,
        standing.oracle,
        standing.budget,
        standing.encoders,
        standing.seeds,
        method.parameters["total"],
        cost.flops or 0,
        cost.train_seconds or 0,
        standing.versions,
    )
    cells = [Cell(text, value) for text, value in zip(cells_of(standing), values, strict=True)]
    return Row(standing.run, standing.method, standing.is_tied, cells)


def _pair(pair: Pair, names: Mapping[str, str]) -> PairRow:
    both = names[pair.first], names[pair.second]
    return PairRow(pair.first, pair.second, both, show_difference(pair.difference), show_p(pair.p))


def _index_row(path: str, board: Board) -> tuple[str, Sequence[str]]:
    """Where a board is, and what stands in its row."""
    run, best = board.comparison.run, board.ranked[0]
    ties = len(board.leaders) - 1
    return f"{path}/index.html", (
        str(run["dataset"]) + (" (SIMULATED)" if board.comparison.simulated else ""),
        str(run["task"]),
        str(run["protocol"]),
        str(len(board.ranked)),
        best.name + (f" and {ties} tied" if ties else ""),
        show_interval(best.scores["balanced_accuracy"]),
        f"{board.comparison.chance:.3f}",
        audit_word(board),
    )
