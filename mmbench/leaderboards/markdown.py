"""Leaderboards as Markdown, for those who read a repository."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmbench.leaderboards.boards import Board
from mmbench.leaderboards.standings import Standing, find_standings
from mmbench.report.layout import show_gap, show_interval
from mmbench.statistics import Interval

_HEADINGS = (
    "", "method", "bal. accuracy", "accuracy", "macro F1", "ECE", "last", "oracle", "tuning", "encoders", "seeds",
    "params", "FLOPs", "train", "versions",
)  # fmt: skip
_NAMES = (1, 8, 9, 14)  # columns that hold no numbers


def board_markdown(board: Board) -> str:
    """One board: what was asked, who stands where, and what the columns mean."""
    rows = [_row(standing) for standing in find_standings(board)]
    lines = [f"# {board.name}", "", *_about(board), "", *_table(_HEADINGS, rows, _NAMES), "", *_notes(board)]
    return "\n".join(lines) + "\n"


def index_markdown(boards: Mapping[str, Board]) -> str:
    """All boards, by the folder of each."""
    headings = ("dataset", "task", "protocol", "runs", "best", "bal. accuracy", "chance", "audit")
    rows = [_index_row(path, board) for path, board in boards.items()]
    lines = [
        "# Leaderboards",
        "",
        "Every number is recomputed from the predictions beside it by `mmbench leaderboard verify`.",
        "",
        *_table(headings, rows, (0, 1, 2, 4, 7)),
    ]
    return "\n".join(lines) + "\n"


def _index_row(path: str, board: Board) -> tuple[str, ...]:
    run, best = board.comparison.run, board.ranked[0]
    simulated = " (SIMULATED)" if board.comparison.simulated else ""
    ties = len(board.leaders) - 1
    return (
        f"[{run['dataset']}]({path}/README.md){simulated}",
        run["task"],
        run["protocol"],
        str(len(board.ranked)),
        best.name + (f" and {ties} tied" if ties else ""),
        show_interval(best.scores["balanced_accuracy"]),
        f"{board.comparison.chance:.3f}",
        audit_word(board),
    )


def audit_word(board: Board) -> str:
    """Whether the protocol was found to leak, in a word or two."""
    if board.audit is None:
        return "not audited"
    return {True: "LEAKS", False: "no leak found", None: "cannot tell"}[board.audit.leaks]


def warnings_of(board: Board) -> list[str]:
    """What to beware of."""
    lines = []
    if board.comparison.simulated:
        lines.append("SIMULATED data: these scores say nothing about people.")
    lines += [
        f"LEAK: {share:.0%} of the test samples share their {group} with the training part."
        for group, share in board.comparison.run["straddling"].items()
        if share > 0
    ]
    return lines


def facts_of(board: Board) -> list[str]:
    """What the scores are to be held against."""
    comparison, run = board.comparison, board.comparison.run
    first = comparison.methods[0]
    card = run["card"]
    told = "; ".join(str(card[name]) for name in ("title", "licence", "url") if card.get(name))
    return [
        f"{told or card['access']}",
        f"{len(first.labels)} samples of {len(run['classes'])} classes, {run['folds']} folds; "
        f"splits {run['fingerprint']}",
        f"chance {comparison.chance:.3f} (guesses stay below {comparison.chance_bound:.3f}), "
        f"majority class {comparison.majority:.3f}",
        f"audit of the protocol: {audit_word(board)}{_on_audit(board)}",
    ]


def _on_audit(board: Board) -> str:
    if board.audit is None:
        return ""
    probe = board.audit.probe
    return f" (probe {probe.score:.3f}; on labels drawn by lot {probe.control.score:.3f})"


def notes_of(board: Board) -> list[str]:
    """What the columns mean."""
    n_units, unit = len(board.comparison.methods[0].units), board.comparison.run["unit"]
    return [
        f"[95 % interval] over {n_units} {unit}s; = : no evidence tells it from the best, by exchanging {unit}s (Holm)",
        "last, oracle: balanced accuracy that the last epoch, or the best one by test labels, would have added",
        "ECE: expected calibration error; FLOPs: of one sample; train: one training, where the records were made",
    ]


def _about(board: Board) -> Iterator[str]:
    for warning in warnings_of(board):
        yield f"**{warning}**"
        yield ""
    for fact in facts_of(board):
        yield f"- {fact}"


def _notes(board: Board) -> Iterator[str]:
    for note in notes_of(board):
        yield f"- {note}"
    yield "- the records of each run are in the folder of its name"


def cells_of(standing: Standing) -> tuple[str, ...]:
    """A run as texts, in the order of the columns; the first is its rank, with a mark where it ties with the best."""
    scores: Mapping[str, Interval] = standing.scores
    return (
        f"{'=' if standing.is_tied and standing.rank > 1 else ''}{standing.rank}",
        standing.method,
        show_interval(scores["balanced_accuracy"]),
        f"{scores['accuracy'].mean:.3f}",
        f"{scores['macro_f1'].mean:.3f}",
        f"{standing.ece:.3f}",
        show_gap(standing.last),
        show_gap(standing.oracle),
        standing.budget,
        standing.encoders,
        str(standing.seeds),
        standing.parameters,
        standing.flops,
        standing.train,
        standing.versions,
    )


def _row(standing: Standing) -> tuple[str, ...]:
    cells = list(cells_of(standing))
    cells[1] = f"[{cells[1]}]({standing.run})"
    return tuple(f"**{cell}**" if standing.is_tied and at in (1, 2) else cell for at, cell in enumerate(cells))


def _table(headings: Sequence[str], rows: Sequence[Sequence[Any]], names: Sequence[int]) -> Iterator[str]:
    yield _line(headings)
    yield _line(["---" if at in names else "--:" for at in range(len(headings))])
    yield from map(_line, rows)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in cells)} |"
