"""Tables of claim cards: reported scores, and beneath them reproduced scores, a section per protocol."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mmbench.data import parse_protocol
from mmbench.registry import find_metric
from mmbench.reporting.number_format import format_interval, format_signed
from mmbench.reporting.terminal.layout import plain_table, relative_path
from mmbench.reporting.terminal.run_description import describe_chance
from mmbench.reporting.terminal.split_audits import split_lines
from mmbench.storage import counted
from mmbench.workflows import CardResult, ClaimResult, ReportedScore, RowResult, RowScore

_WIDTHS = (34, 6, 17, 6, 8, 4)  # 80 columns with the blanks between
_WIDTHS_WITH_UNKNOWN = (31, 6, 17, 6, 8, 7)
_WORDS = {"accuracy": "accuracy", "balanced_accuracy": "bal. accuracy", "macro_f1": "macro F1"}


def claim_tables(result: ClaimResult) -> Iterator[tuple[RenderableType, list[str]]]:
    """The table of each card, and the commands for its missing rows, which are not to be wrapped."""
    for card in result.cards:
        commands = _commands(card)
        parts: list[RenderableType] = [_head(result.method, card)]
        if card.split:
            parts += [Text(), *split_lines(card.split, f"mmbench claim {result.method} {card.card.name}")]
        parts += _reported(card) if card.card.reported else ()
        parts += [Text(f"note: {card.card.note}", style="dim")] if card.card.note else ()
        parts += [Text(), *_sections(card)] if card.rows else ()
        parts += [Text(f"\n{text}", style) for text, style in _closing(result, card, bool(commands)) if text]
        yield Group(*parts), commands


def _closing(result: ClaimResult, card: CardResult, missing: bool) -> Iterator[tuple[str, str]]:
    """The closing paragraphs with their styles."""
    yield card.summary, ""
    yield "\n".join([*_meanings(card), *_reasons(card), *result.damaged]), "dim"
    yield "commands for all missing rows, and for each one:" if missing else "", "dim"


def _head(method: str, result: CardResult) -> Text:
    card = result.card
    text = Text(f"{method} · claim {card.name} · {result.on} · {card.task}\n{card.title}", style="bold")
    if result.simulated:
        instead = f"{result.on} stands in for {card.dataset}: " if result.is_twin else ""
        text.append(f"\nSIMULATED: {instead}these rows say nothing about the claim.", style="bold yellow")
    return text


def _name_metric(name: str) -> str:
    return _WORDS.get(name) or find_metric(name).title


def _reported(result: CardResult) -> Iterator[RenderableType]:
    yield Text()
    table = plain_table("reported elsewhere")
    table.add_column(_name_metric(result.card.metric), justify="right", no_wrap=True)
    table.add_column("protocol", no_wrap=True)
    for column, width in zip(table.columns, (42, 16, 20), strict=True):
        column.width = width
    for each in result.card.reported:
        table.add_row(Text(each.name), Text(_show_reported(each)), Text(each.protocol or "not reported"))
    yield table
    for source, several in groupby(result.card.reported, key=lambda each: (each.source, each.url)):
        for each in several:
            yield Text(f"{each.name}: {each.how}", style="dim")
        yield Text(f"from {' '.join(source)}".rstrip(), style="dim")


def _show_reported(reported: ReportedScore) -> str:
    low, high = reported.bounds
    return f"{low:.3f}" if low == high else f"{low:.3f} to {high:.3f}"


def _sections(result: CardResult) -> Iterator[RenderableType]:
    # A difference between simulated data and reported scores means nothing.
    headings = ("epoch", _name_metric(result.card.metric), "oracle", "" if result.simulated else "reported", "")
    widths = _WIDTHS_WITH_UNKNOWN if any(row.unknown for row in result.rows) else _WIDTHS
    yield _table(headings, widths, shown=True)
    for heading, rows in groupby(result.rows, key=_heading):
        yield Text(heading, style="bold")
        table = _table(headings, widths, shown=False)
        for row in rows:
            for cells in _lines(row, result.simulated):
                table.add_row(*map(Text, cells), style="" if row.comparison else "dim")
        yield table


def _heading(row: RowResult) -> str:
    """What is above the rows of the same kind."""
    if row.row.checkpoint:
        return "checkpoint: weights of a file, every sample scored once"
    return f"{row.row.protocol}: {parse_protocol(row.row.protocol).summary}"


def _table(headings: Sequence[str], widths: Sequence[int], shown: bool) -> Table:
    table = plain_table("run here")
    for name in headings:
        table.add_column(name, justify="right", no_wrap=True)
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    table.show_header = shown
    return table


def _lines(result: RowResult, simulated: bool) -> Iterator[tuple[str, ...]]:
    """The cells of a row, and beneath it those of its baselines where they were run."""
    if not result.comparison:
        yield f"  {result.row.name}", result.row.score, "not run", "", "", ""
    for at, score in enumerate(result.scores):
        name = f"    {score.method.name}" if at else f"  {result.row.name}"
        over = "" if simulated else format_signed(result.reported.gap(score.value))
        # Baselines are trained here.
        mark = "LEAK" if result.leaks else "UNKNOWN" if result.unknown and not at else ""
        yield name, result.row.score, _show(score), format_signed(score.oracle), over, mark


def _show(score: RowScore) -> str:
    # Blanks in place of the interval align the number with the others.
    return format_interval(score.interval) if score.interval else f"{score.value:.3f}{'':11}"


def _meanings(card: CardResult) -> Iterator[str]:
    ran = [row for row in card.rows if row.comparison]
    units = sorted(
        {counted(len(row.comparison.methods[0].units), row.comparison.run["unit"]) for row in ran if row.comparison}
    )
    if any(score.interval for row in ran for score in row.scores):
        yield f"[95 % interval] over {' or '.join(units)}"
    if any(not score.interval for row in ran for score in row.scores):
        yield (
            "last or oracle epoch: mean over folds, without an interval, since predictions are kept for the chosen "
            "epoch only"
        )
    if ran:
        yield f"oracle: bias of choosing the epoch by {_name_oracle(ran)} on test data"
        yield from _majority(ran)
    names = [] if card.simulated else list(dict.fromkeys(row.reported.name for row in ran))
    for name in names:
        rows = f" for {', '.join(row.row.name for row in ran if row.reported.name == name)}" if len(names) > 1 else ""
        yield f"reported: difference to {name!r}{rows}"
    for group in dict.fromkeys(group for row in ran for group in row.leaks):
        share = max(row.leaks.get(group, 0.0) for row in ran)
        yield f"LEAK: up to {share:.0%} of the test samples share their {group} with the training part"
    for note in dict.fromkeys(note for row in ran if row.comparison for note in row.comparison.data_notes):
        yield f"DATA: {note}"
    for line in dict.fromkeys(weights.line for row in ran for weights in row.unknown):
        yield f"UNKNOWN: {line}"


def _name_oracle(ran: Sequence[RowResult]) -> str:
    """The metric of the runs, by which their epochs are chosen."""
    return next(row.comparison.metric_title for row in ran if row.comparison)


def _majority(ran: Sequence[RowResult]) -> Iterator[str]:
    """The chance level and the majority class, where the metric and the task have them."""
    comparisons = [row.comparison for row in ran if row.comparison]
    shares = sorted({f"{each.majority:.3f}" for each in comparisons if each.majority is not None})
    span = f"{shares[0]} to {shares[-1]}" if len(shares) > 1 else "".join(shares)
    found = [line for comparison in comparisons[:1] for line in describe_chance(comparison)]
    found += [f"accuracy of the majority class {span}"] if shares else []
    if found:
        yield ", ".join(found)


def _reasons(card: CardResult) -> Iterator[str]:
    for reason in dict.fromkeys(row.reason for row in card.rows if row.reason):
        yield f"{', '.join(row.row.name for row in card.rows if row.reason == reason)}: not run: {reason}"
    for row in card.rows:
        if row.left_out:
            yield f"{row.row.name}: {card.on} has no {', '.join(row.left_out)}; the row was run without"
    for path in dict.fromkeys(relative_path(row.comparison.path) for row in card.rows if row.comparison):
        yield f"records: {path}"


def _commands(card: CardResult) -> list[str]:
    """Commands for all missing rows, for each one (rows of the same run share it), and for simulated data."""
    names: dict[str, list[str]] = {}
    for row in card.rows:
        if not row.comparison and row.command:
            names.setdefault(row.command, []).append(row.row.name)
    lines = [line for command, rows in names.items() for line in (f"# {', '.join(rows)}", command)]
    simulated = ["# on simulated data", card.simulated_command] if card.simulated_command else []
    return [card.command, *lines, *simulated] if lines else []
