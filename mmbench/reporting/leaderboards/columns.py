"""Columns of a board and of the index, for Markdown and HTML pages."""

from collections.abc import Sequence
from typing import NamedTuple

from mmbench.reporting.leaderboards.boards import Board
from mmbench.reporting.leaderboards.standings import Standing
from mmbench.reporting.metric_names import kind_of, metric_column
from mmbench.reporting.number_format import (
    format_count,
    format_duration,
    format_interval,
    format_p,
    format_score,
    format_signed,
)
from mmbench.reporting.terminal.audits import WORDS
from mmbench.reporting.terminal.warnings import warning_mark
from mmbench.results import Comparison, data_name
from mmbench.workflows import SuiteResult


class Column(NamedTuple):
    """A column; ``help`` explains its name."""

    name: str
    is_number: bool
    help: str = ""


class Cell(NamedTuple):
    """The text of a cell, and the value it is sorted by."""

    text: str
    value: float | str


N_SETTINGS = 7
"""The last columns of a board: settings and cost, which pages show in a table of their own."""
_SETTINGS = (
    Column("tuning", False, "tuning budget"),
    Column("encoders", False),
    Column("seeds", True),
    Column("params", True),
    Column("FLOPs", True, "for one sample"),
    Column("train", True, "time of one training, measured on the machine that made the records"),
    Column("versions", False),
)
INDEX = (
    Column("dataset", False),
    Column("task", False),
    Column("protocol", False),
    Column("runs", True),
    Column("best", False),
    Column("score", True),
    Column("metric", False),
    Column("chance", True),
    Column("audit", False),
)
SUITE_INDEX = (
    Column("suite", False),
    Column("title", False),
    Column("methods", True),
    Column("datasets", True),
    Column("best mean rank", False),
    Column("Friedman p", True, "whether mean ranks differ"),
)


def board_columns(comparison: Comparison) -> Sequence[Column]:
    """The columns of a board: scores of the metrics of its task, calibration, settings and costs."""
    title = comparison.metric_title
    return (
        Column("rank", True, f"by {title}; =: not significantly worse than the best"),
        Column("method", False),
        Column(metric_column(comparison), True, "with its 95 % interval"),
        *(Column(comparison.title_of(name), True) for name in comparison.other_metrics),
        calibration_column(comparison),
        Column("last", True, f"change of {title} at the last epoch, relative to the chosen epoch"),
        Column("oracle", True, f"change of {title} at the best epoch on test data, relative to the chosen epoch"),
        *_SETTINGS,
    )


def calibration_column(comparison: Comparison) -> Column:
    """The column on calibration, by the kind of the task."""
    if kind_of(comparison.run) == "values":
        targets = comparison.run["classes"]
        of = targets[0] if len(targets) > 1 else "the target"
        return Column("coverage", True, f"share of {of} in 95 % intervals of the width of validation residuals")
    return Column("ECE", True, "expected calibration error")


def board_cells(standing: Standing, comparison: Comparison) -> Sequence[Cell]:
    """The cells of one run; ``=`` before the rank marks a run that is not significantly worse than the best."""
    scores = standing.scores
    mark = "=" if standing.is_tied and standing.rank > 1 else ""
    return (
        Cell(f"{mark}{standing.rank}", standing.rank),
        _text(standing.method),
        _number(format_interval(scores[comparison.metric]), scores[comparison.metric].mean),
        *(_optional(scores[name].mean if name in scores else None) for name in comparison.other_metrics),
        _optional(standing.calibration),
        Cell("–", 0) if standing.last is None else _number(format_signed(standing.last), standing.last),
        Cell("–", 0) if standing.oracle is None else _number(format_signed(standing.oracle), standing.oracle),
        _text(standing.budget),
        _text(standing.encoders),
        Cell(str(standing.seeds), standing.seeds),
        Cell("–" if standing.parameters is None else format_count(standing.parameters), standing.parameters or 0),
        Cell("–" if standing.flops is None else format_count(standing.flops), standing.flops or 0),
        Cell("–" if standing.train is None else format_duration(standing.train), standing.train or 0),
        _text(standing.versions),
    )


def index_cells(board: Board) -> Sequence[str]:
    """The cells of one board in the index."""
    run, best = board.comparison.run, board.ranked[0]
    ties = len(board.leaders) - 1
    return (
        data_name(run) + warning_mark([board.comparison]),
        str(run["task"]),
        str(run["protocol"]),
        str(len(board.ranked)),
        best.name + (f" and {ties} tied" if ties else ""),
        format_interval(best.scores[board.comparison.metric]),
        board.comparison.metric_title,
        "–" if board.comparison.chance is None else format_score(board.comparison.chance),
        audit_verdict(board),
    )


def suite_cells(result: SuiteResult) -> Sequence[str]:
    """The cells of one suite in the index."""
    standings = result.standings
    best = f"{standings.ranked[0].method} {standings.ranked[0].mean_rank:.2f}" if standings.ranked else "–"
    return (
        result.file.label + warning_mark(result.comparisons.values()),
        result.file.title,
        str(len(result.methods)),
        f"{len(result.comparisons)} of {len(result.datasets)}",
        best,
        format_p(standings.test.p) if standings.test else "–",
    )


def audit_verdict(board: Board) -> str:
    """The verdict of the audit on the protocol."""
    return WORDS[board.audit.leaks] if board.audit else "not audited"


def _text(text: str) -> Cell:
    return Cell(text, text)


def _optional(value: float | None) -> Cell:
    return Cell("–", 0) if value is None else _number(format_score(value), value)


def _number(text: str, value: float) -> Cell:
    # The last digits depend on the processor; a board rebuilt on another one must be the same.
    return Cell(text, round(value, 9))
