"""Leaderboards as Markdown, for those who read a repository."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote

from mmbench.reporting.leaderboards.boards import Board
from mmbench.reporting.leaderboards.columns import COLUMNS, INDEX, Column, audit_word, board_cells, index_cells
from mmbench.reporting.leaderboards.standings import Standing, find_standings
from mmbench.reporting.terminal.tables import chance_line
from mmbench.reporting.terminal.warnings import find_warnings

# What would be emphasis, code, HTML, an entity, an image or a link, wherever it stands in a line.
_ACTIVE = re.compile(r"[\\`*<]|&(?=#?\w+;)|~(?=~)|(?<!\w)_|_(?!\w)|!(?=\[)|\](?=[(\[:])")
_LEADING = re.compile(r"^(\d*)(?=[#>+=.)-])")  # what would begin a heading, a quotation or a list


def board_markdown(board: Board) -> str:
    """One board: what was asked, who stands where, and what the columns mean."""
    rows = [_row(standing) for standing in find_standings(board)]
    lines = [f"# {escape(board.name)}", "", *_about(board), "", *_table(COLUMNS, rows), "", *_notes(board)]
    return "\n".join(lines) + "\n"


def index_markdown(boards: Mapping[str, Board]) -> str:
    """All boards, by the folder of each."""
    rows = [_linked(map(escape, index_cells(board)), 0, f"{path}/README.md") for path, board in boards.items()]
    lines = [
        "# Leaderboards",
        "",
        "Every number is recomputed from the predictions beside it by `mmbench leaderboard verify`.",
        "",
        *_table(INDEX, rows),
    ]
    return "\n".join(lines) + "\n"


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
        chance_line(comparison),
        f"audit of the protocol: {audit_word(board)}{_on_audit(board)}",
    ]


def _on_audit(board: Board) -> str:
    if board.audit is None:
        return ""
    probe = board.audit.probe
    by_lot = probe.control.score
    told = "labels drawn by lot can tell nothing" if by_lot is None else f"on labels drawn by lot {by_lot:.3f}"
    reasons = board.audit.causes or (board.audit.doubts if board.audit.leaks is None else ())
    why = f": {'; '.join(reasons)}" if reasons else ""
    return f"{why} (probe {probe.score:.3f}; {told})"


def notes_of(board: Board) -> list[str]:
    """What the columns mean."""
    n_units, unit = len(board.comparison.methods[0].units), board.comparison.run["unit"]
    return [
        f"[95 % interval] over {n_units} {unit}s; = : not significantly worse than the best, all pairs compared",
        "last, oracle: balanced accuracy that the last epoch, or the best one by test labels, would have added",
        "ECE: expected calibration error; FLOPs: of one sample; train: one training, where the records were made",
    ]


def _about(board: Board) -> Iterator[str]:
    for warning in find_warnings(board.comparison):
        yield f"**{escape(warning.line)}**"
        yield ""
    for fact in facts_of(board):
        yield "- " + _LEADING.sub(r"\1\\", escape(fact))


def _notes(board: Board) -> Iterator[str]:
    for note in notes_of(board):
        yield f"- {escape(note)}"
    yield "- the records of each run are in the folder of its name"


def _row(standing: Standing) -> list[str]:
    cells = _linked([escape(cell.text) for cell in board_cells(standing)], 1, standing.run)
    return [f"**{cell}**" if standing.is_tied and at in (1, 2) else cell for at, cell in enumerate(cells)]


def escape(text: str) -> str:
    """A text that Markdown shows as it is, on one line."""
    plain = _ACTIVE.sub(r"\\\g<0>", " ".join(text.split()))
    return plain if _is_balanced(plain) else re.sub(r"(?<!\\)[\[\]]", r"\\\g<0>", plain)


def _is_balanced(text: str) -> bool:
    """Whether each bracket has its other one: only then may they stand in the text of a link."""
    depth = 0
    for sign in re.sub(r"\\.", "", text):
        depth += {"[": 1, "]": -1}.get(sign, 0)
        if depth < 0:
            return False
    return depth == 0


def _linked(cells: Iterable[str], at: int, to: str) -> list[str]:
    return [f"[{cell}]({address(to)})" if place == at else cell for place, cell in enumerate(cells)]


def address(path: str) -> str:
    """A relative path as an address, in which a name is never taken for a protocol."""
    return quote(path, safe="/=")


def _table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield _line([column.name for column in columns])
    yield _line(["--:" if column.is_number else "---" for column in columns])
    yield from map(_line, rows)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
