"""The tables of a suite for the terminal, 80 columns wide, readable without colour."""

from rich.console import Group, RenderableType
from rich.text import Text

from mmbench.reporting.suites.diagram import diagram_lines, find_mean_ranks
from mmbench.reporting.suites.words import (
    VERDICT_COLUMNS,
    VERDICT_NOTE,
    absent_lines,
    critical_line,
    data_row,
    lead,
    ordered_methods,
    rank_cell,
    rank_lines,
    score_cells,
    settings_table,
    suite_warnings,
    verdict_cells,
    verdict_title,
)
from mmbench.reporting.terminal.layout import fitted_tables, path_line, plain_table
from mmbench.reporting.terminal.warnings import warning_mark, warning_text
from mmbench.storage import counted
from mmbench.workflows import Suite, SuiteResult

_WIDTH = 80


def suite_tables(result: SuiteResult) -> RenderableType:
    """Scores, mean ranks, the test of ranks with its diagram, counts of verdicts, and what is missing."""
    title = Text(result.file.title, style="bold").append_text(warning_text(suite_warnings(result)))
    parts: list[RenderableType] = [Text(lead(result)), title, Text()]
    if result.comparisons:
        parts += [_scores(result), Text(), _data(result), Text()]
        parts += [Text(line) for line in rank_lines(result)]
        parts += [*_diagram(result), Text(), _verdicts(result), Text(VERDICT_NOTE, style="dim")]
    if absent := list(absent_lines(result)):
        parts += [Text(), *map(Text, absent)]
    return Group(*parts, path_line("results", result.path))


def suite_description(suite: Suite) -> RenderableType:
    """What a suite says before it is run: its datasets with their settings, its digest, and how to run it."""
    columns, rows, common = settings_table(suite.content()["datasets"])
    heading, *titles = columns
    table = plain_table(heading)
    for title in titles:
        table.add_column(title, overflow="fold", no_wrap=title in ("task", "protocol"))
    for row in rows:
        table.add_row(*map(Text, row))
    parts: list[RenderableType] = [
        Text(f"{suite.label} ({suite.digest[:12]}) · {counted(len(suite.datasets), 'dataset')}"),
        Text(suite.title, style="bold"),
        Text(),
        table,
    ]
    name = suite.label if suite.path.stem == suite.label else suite.path
    run = f"mmbench suite run {name} --methods METHOD,METHOD --data NAME=DIR"
    return Group(*parts, *([Text(f"\nall datasets: {common}")] if common else []), Text(f"\n{run}"))


def _scores(result: SuiteResult) -> RenderableType:
    # The marks in a line of their own, since columns are narrow.
    titles = [f"{name}\n{warning_mark([each]).strip()}".strip() for name, each in result.comparisons.items()]
    rows = {name: [rank_cell(result, name), *score_cells(result, name)] for name in ordered_methods(result)}
    return fitted_tables({"method": (["mean rank", *titles], rows)}, _WIDTH)


def _data(result: SuiteResult) -> RenderableType:
    table = plain_table("dataset")
    for title in ("task", "protocol", "metric", "units"):
        table.add_column(title, overflow="fold")
    for name, comparison in result.comparisons.items():
        table.add_row(*map(Text, (name, *data_row(comparison))))
    return table


def _diagram(result: SuiteResult) -> list[RenderableType]:
    found = find_mean_ranks(result.standings)
    if found is None:
        return []
    bars = ["=: no two methods of a bar differ significantly"] if found.joined else []
    lines = [*diagram_lines(found), *bars, critical_line(result.standings)]
    return [Text(), *(Text(line, no_wrap=len(line) <= _WIDTH) for line in lines)]


def _verdicts(result: SuiteResult) -> RenderableType:
    return fitted_tables({verdict_title(result): (VERDICT_COLUMNS, verdict_cells(result))}, _WIDTH)
