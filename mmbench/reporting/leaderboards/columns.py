"""What stands in the columns of a board and of the index, for Markdown and for pages."""

from collections.abc import Sequence
from typing import NamedTuple

from mmbench.reporting.leaderboards.boards import Board
from mmbench.reporting.leaderboards.standings import Standing
from mmbench.reporting.terminal.audits import WORDS
from mmbench.reporting.terminal.layout import show_gap, show_interval
from mmbench.reporting.terminal.quantities import short_count, short_time


class Column(NamedTuple):
    """A column; ``help`` says what it holds where its name does not."""

    name: str
    is_number: bool
    help: str = ""


class Cell(NamedTuple):
    """What stands in a cell, and what it is sorted by."""

    text: str
    value: float | str


COLUMNS = (
    Column("rank", True, "by balanced accuracy; = where a run is not significantly worse than the best"),
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
INDEX = (
    Column("dataset", False),
    Column("task", False),
    Column("protocol", False),
    Column("runs", True),
    Column("best", False),
    Column("bal. accuracy", True),
    Column("chance", True),
    Column("audit", False),
)


def board_cells(standing: Standing) -> Sequence[Cell]:
    """The cells of one run; ``=`` stands before the rank of one that ties with the best."""
    scores = standing.scores
    mark = "=" if standing.is_tied and standing.rank > 1 else ""
    return (
        Cell(f"{mark}{standing.rank}", standing.rank),
        _text(standing.method),
        _number(show_interval(scores["balanced_accuracy"]), scores["balanced_accuracy"].mean),
        _decimal(scores["accuracy"].mean),
        _decimal(scores["macro_f1"].mean),
        _decimal(standing.ece),
        _number(show_gap(standing.last), standing.last),
        _number(show_gap(standing.oracle), standing.oracle),
        _text(standing.budget),
        _text(standing.encoders),
        Cell(str(standing.seeds), standing.seeds),
        Cell(short_count(standing.parameters), standing.parameters),
        Cell("–" if standing.flops is None else short_count(standing.flops), standing.flops or 0),
        Cell("–" if standing.train is None else short_time(standing.train), standing.train or 0),
        _text(standing.versions),
    )


def index_cells(board: Board) -> Sequence[str]:
    """The cells of one board in the index."""
    run, best = board.comparison.run, board.ranked[0]
    ties = len(board.leaders) - 1
    return (
        str(run["dataset"]) + (" (SIMULATED)" if board.comparison.simulated else ""),
        str(run["task"]),
        str(run["protocol"]),
        str(len(board.ranked)),
        best.name + (f" and {ties} tied" if ties else ""),
        show_interval(best.scores["balanced_accuracy"]),
        f"{board.comparison.chance:.3f}",
        audit_word(board),
    )


def audit_word(board: Board) -> str:
    """Whether the protocol was found to leak, in a word or two."""
    return WORDS[board.audit.leaks] if board.audit else "not audited"


def _text(text: str) -> Cell:
    return Cell(text, text)


def _decimal(value: float) -> Cell:
    return _number(f"{value:.3f}", value)


def _number(text: str, value: float) -> Cell:
    # The last digits are those of a processor, and a board that is rebuilt on another one has to be the same.
    return Cell(text, round(value, 9))
