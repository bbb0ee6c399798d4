"""Tables of an ablation: one per parameter, every value compared with the default."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mmbench.reporting.metric_names import direction_note, metric_column
from mmbench.reporting.number_format import (
    format_count,
    format_difference,
    format_duration,
    format_interval,
    format_score,
)
from mmbench.reporting.terminal.layout import path_line, plain_table
from mmbench.reporting.terminal.run_description import describe_data, describe_settings, headline
from mmbench.results import Comparison, describe_missing
from mmbench.storage import counted
from mmbench.workflows import AblationResult, AblationRow, AblationTable


def ablation_tables(result: AblationResult) -> RenderableType:
    """A table per parameter with the default in bold, under a headline and above footnotes."""
    tables = [part for table in result.tables for part in _parts(result, table)]
    return Group(
        headline(result.comparison, result.default.name), *tables, _footnotes(result), path_line("records", result.path)
    )


def _parts(result: AblationResult, table: AblationTable) -> list[RenderableType]:
    # The remedy, after the dash, is for a command that names the row; this one does not.
    reasons = [f"{row.value} was not run: {row.reason.split(' — ')[0]}" for row in table.rows if row.reason]
    title = "" if table.name == table.parameter else f"\n{table.name}"
    return [Text(title, style="bold"), _table(result, table), *(Text(line, "dim") for line in reasons)]


def _table(result: AblationResult, table: AblationTable) -> Table:
    shown = plain_table(table.parameter)
    for heading in _columns(result.comparison):
        shown.add_column(heading, justify="right", no_wrap=True)
    for row in table.rows:
        shown.add_row(*map(Text, _cells(result, row)), style="bold" if result.is_default(row) else "")
    return shown


def _columns(comparison: Comparison) -> tuple[str, ...]:
    others = (metric_column(comparison, name) for name in comparison.other_metrics[:1])
    return (metric_column(comparison), "difference", *others, "params", "time")


def _cells(result: AblationResult, row: AblationRow) -> tuple[str, ...]:
    if row.method is None:
        return (row.value, *["–"] * len(_columns(result.comparison)))
    metric, others = result.comparison.metric, result.comparison.other_metrics[:1]
    scores, difference = row.method.scores, result.difference(row)
    gap = format_difference(difference[metric]) if difference else "default" if result.is_default(row) else "?"
    return (
        row.value,
        format_interval(scores[metric]),
        gap,
        *(format_score(scores[name].mean) for name in others),
        format_count(row.method.parameters["total"]),
        format_duration(row.method.seconds),
    )


def _footnotes(result: AblationResult) -> Text:
    comparison, unit = result.comparison, result.comparison.run["unit"]
    note = direction_note(comparison)
    lines = [
        "",
        *describe_data(comparison),
        *([note] if note else []),
        f"[95 % interval] over {counted(len(result.default.units), unit)}; difference: to the default, paired;",
        "not adjusted for the number of rows: some differ by chance",
        *describe_settings(comparison),
    ]
    if comparison.run.get("tuning"):
        lines.append("every row is tuned separately; parameters in the tables are fixed, not tuned")
    return Text("\n".join([*lines, *describe_missing(comparison)]), style="dim")
