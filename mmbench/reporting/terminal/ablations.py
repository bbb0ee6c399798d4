"""Tables of an ablation: one a parameter, every row against the method as it stands."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mmbench.reporting.terminal.layout import path_line, plain_table, show_difference, show_interval
from mmbench.reporting.terminal.quantities import short_count, short_time
from mmbench.reporting.terminal.tables import describe_data, describe_setting, headline
from mmbench.results import describe_missing
from mmbench.workflows import AblationResult, AblationRow, AblationTable

_METRIC = "balanced_accuracy"


def ablation_tables(result: AblationResult) -> RenderableType:
    """A table a parameter, the default in bold; what the numbers mean around them."""
    tables = [part for table in result.tables for part in _parts(result, table)]
    return Group(
        headline(result.comparison, result.default.name), *tables, _footnotes(result), path_line("records", result.path)
    )


def _parts(result: AblationResult, table: AblationTable) -> list[RenderableType]:
    # What to do about it would be to take this row out.
    reasons = [f"{row.value} was not run: {row.reason.split(' — ')[0]}" for row in table.rows if row.reason]
    title = "" if table.name == table.parameter else f"\n{table.name}"
    return [Text(title, style="bold"), _table(result, table), *(Text(line, "dim") for line in reasons)]


def _table(result: AblationResult, table: AblationTable) -> Table:
    shown = plain_table(table.parameter)
    for heading in ("bal. accuracy", "difference", "acc.", "params", "time"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for row in table.rows:
        shown.add_row(*map(Text, _cells(result, row)), style="bold" if result.is_default(row) else "")
    return shown


def _cells(result: AblationResult, row: AblationRow) -> tuple[str, ...]:
    if row.method is None:
        return (row.value, *["–"] * 5)
    scores, difference = row.method.scores, result.difference(row)
    gap = show_difference(difference[_METRIC]) if difference else "default" if result.is_default(row) else "?"
    return (
        row.value,
        show_interval(scores[_METRIC]),
        gap,
        f"{scores['accuracy'].mean:.3f}",
        short_count(row.method.parameters["total"]),
        short_time(row.method.seconds),
    )


def _footnotes(result: AblationResult) -> Text:
    comparison, unit = result.comparison, result.comparison.run["unit"]
    lines = [
        "",
        *describe_data(comparison),
        f"[95 % interval] over {len(result.default.units)} {unit}s; difference: paired, to the default;",
        "with so many rows some differ by chance",
        *describe_setting(comparison),
    ]
    if comparison.run.get("tuning"):
        lines.append("every row is tuned by itself; what the tables vary is held, the same in all rows")
    return Text("\n".join([*lines, *describe_missing(comparison)]), style="dim")
