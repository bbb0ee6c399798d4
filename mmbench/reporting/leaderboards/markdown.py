"""Leaderboards as Markdown."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote

from mmbench.reporting.leaderboards.boards import Board
from mmbench.reporting.leaderboards.columns import (
    INDEX,
    SUITE_INDEX,
    Column,
    audit_verdict,
    board_cells,
    board_columns,
    calibration_column,
    index_cells,
)
from mmbench.reporting.leaderboards.standings import Standing, find_standings
from mmbench.reporting.leaderboards.submission import submission_lines
from mmbench.reporting.metric_names import describe_targets, describe_targets_of_mean, direction_note
from mmbench.reporting.terminal.elsewhere import elsewhere_lines, pretrained_lines
from mmbench.reporting.terminal.limits import one_seed_line
from mmbench.reporting.terminal.run_description import chance_line
from mmbench.reporting.terminal.warnings import ComparisonWarning, find_warnings
from mmbench.results import Comparison
from mmbench.storage import counted

# Emphasis, code, HTML, entities, images and links, anywhere in a line.
_ACTIVE = re.compile(r"[\\`*<]|&(?=#?\w+;)|~(?=~)|(?<!\w)_|_(?!\w)|!(?=\[)|\](?=[(\[:])")
_LEADING = re.compile(r"^(\d*)(?=[#>+=.)-])")  # start of a heading, a quotation or a list


def board_markdown(board: Board) -> str:
    """One board: warnings, data, standings and notes."""
    rows = [_row(standing, board.comparison) for standing in find_standings(board)]
    lines = [
        f"# {escape(board.name)}",
        "",
        *_about(board),
        "",
        *markdown_table(board_columns(board.comparison), rows),
        "",
        *_notes(board),
    ]
    return "\n".join(lines) + "\n"


def index_markdown(
    boards: Mapping[str, Board], suites: Mapping[str, Sequence[str]], warnings: Sequence[ComparisonWarning]
) -> str:
    """The index of all boards and suites by folder; of a suite, its cells. ``warnings`` are about all boards."""
    lines = [
        "# Leaderboards",
        "",
        "`mmbench leaderboard verify` recomputes every number from the predictions in the records.",
    ]
    if warnings:
        lines += ["", *warning_lines(warnings)][:-1]
    if boards:
        lines += ["", *_index(INDEX, {path: index_cells(board) for path, board in boards.items()})]
    if suites:
        lines += ["", "## Suites", "", *_index(SUITE_INDEX, suites)]
    return "\n".join(lines) + "\n"


def _index(columns: Sequence[Column], rows: Mapping[str, Sequence[str]]) -> Iterator[str]:
    return markdown_table(columns, [linked(map(escape, cells), 0, f"{path}/README.md") for path, cells in rows.items()])


def board_facts(board: Board) -> list[str]:
    """Facts about a board: data, counts, chance level, the limitation of one seed and the audit of its protocol."""
    comparison, run = board.comparison, board.comparison.run
    first = comparison.methods[0]
    card = run["card"]
    # The licence is that of the real data.
    names = ("title", "url") if comparison.simulated else ("title", "licence", "url")
    source = "; ".join(str(card[name]) for name in names if card.get(name)) or str(card["access"])
    return [
        f"simulated, in place of: {source}" if comparison.simulated else source,
        f"{counted(len(first.labels), 'sample')} of {describe_targets(run)}, "
        f"{counted(run['folds'], 'fold')}; splits {run['fingerprint']}",
        *filter(None, [chance_line(comparison), direction_note(comparison), describe_targets_of_mean(comparison)]),
        *one_seed_line(comparison),
        f"audit of the protocol: {audit_verdict(board)}{_audit_details(board)}",
    ]


def _audit_details(board: Board) -> str:
    if board.audit is None:
        return ""
    probe = board.audit.probe
    control = probe.control.score
    on_random = "no control on random labels" if control is None else f"on randomly assigned labels {control:.3f}"
    reasons = board.audit.causes or (board.audit.doubts if board.audit.leaks is None else ())
    why = f": {'; '.join(reasons)}" if reasons else ""
    return f"{why} (score of the probe {probe.score:.3f}; {on_random})"


def column_notes(board: Board) -> list[str]:
    """Notes on the columns, on what was made elsewhere, and on submissions."""
    n_units, unit = len(board.comparison.methods[0].units), board.comparison.run["unit"]
    column = calibration_column(board.comparison)
    return [
        f"[95 % interval] over {counted(n_units, unit)}; =: not significantly worse than the best, all pairs compared",
        f"last, oracle: change of {board.comparison.metric_title} at the last epoch, and at the best epoch on test "
        "data (oracle epoch), relative to the chosen epoch",
        f"{column.name}: {column.help}; FLOPs: for one sample; train: time of one training, measured on the machine "
        "that made the records",
        *elsewhere_lines(board.comparison),
        *pretrained_lines(board.comparison),
        *submission_lines(board),
    ]


def _about(board: Board) -> Iterator[str]:
    yield from warning_lines(find_warnings(board.comparison))
    for fact in board_facts(board):
        yield "- " + _LEADING.sub(r"\1\\", escape(fact))


def warning_lines(warnings: Iterable[ComparisonWarning]) -> Iterator[str]:
    """A paragraph in bold for each warning, each followed by an empty line."""
    for warning in warnings:
        yield f"**{escape(warning.line)}**"
        yield ""


def _notes(board: Board) -> Iterator[str]:
    for note in column_notes(board):
        yield f"- {escape(note)}"
    yield "- the records of each run are in the folder of that name"


def _row(standing: Standing, comparison: Comparison) -> list[str]:
    cells = linked([escape(cell.text) for cell in board_cells(standing, comparison)], 1, standing.run)
    return [f"**{cell}**" if standing.is_strong and at in (1, 2) else cell for at, cell in enumerate(cells)]


def escape(text: str) -> str:
    """The text escaped for Markdown, on one line."""
    plain = _ACTIVE.sub(r"\\\g<0>", " ".join(text.split()))
    return plain if _is_balanced(plain) else re.sub(r"(?<!\\)[\[\]]", r"\\\g<0>", plain)


def _is_balanced(text: str) -> bool:
    """Whether brackets are balanced, which the text of a link requires."""
    depth = 0
    for sign in re.sub(r"\\.", "", text):
        depth += {"[": 1, "]": -1}.get(sign, 0)
        if depth < 0:
            return False
    return depth == 0


def linked(cells: Iterable[str], at: int, to: str) -> list[str]:
    """Cells of which the one ``at`` an index is a link."""
    return [f"[{cell}]({relative_url(to)})" if column == at else cell for column, cell in enumerate(cells)]


def relative_url(path: str) -> str:
    """A relative path as a URL, in which a name is never taken for a protocol."""
    return quote(path, safe="/=")


def markdown_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table of escaped cells."""
    yield _line([column.name for column in columns])
    yield _line(["--:" if column.is_number else "---" for column in columns])
    yield from map(_line, rows)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
