"""Pages of the suites on leaderboards: Markdown and HTML."""

from collections.abc import Iterator

from mmbench.reporting.leaderboards.columns import Column
from mmbench.reporting.leaderboards.markdown import escape, linked, markdown_table, relative_url, warning_lines
from mmbench.reporting.leaderboards.suites import RankedSuite
from mmbench.reporting.metric_names import capitalized
from mmbench.reporting.pages.page_model import Drawing, Table
from mmbench.reporting.pages.rendering import render_page
from mmbench.reporting.plots.ranks import MeanRanks
from mmbench.reporting.suites.diagram import NARROW, diagram_lines, find_mean_ranks
from mmbench.reporting.suites.page import data_table, scores_table, suite_page_content, suite_sections, verdicts_table
from mmbench.reporting.suites.words import (
    VERDICT_NOTE,
    absent_lines,
    critical_line,
    lead,
    rank_lines,
    suite_warnings,
    units_note,
)

_DIAGRAM = "Mean ranks; methods on a bar do not differ significantly"


def suite_markdown(suite: RankedSuite) -> str:
    """Scores on each board, mean ranks with their test, counts of verdicts, and what is missing."""
    result = suite.result
    lines = [f"# {escape(result.file.title)}", "", escape(lead(result)), ""]
    lines += warning_lines(suite_warnings(result))
    lines += [*_as_markdown(scores_table(result)), "", f"[95 % interval]; {units_note(result)}", ""]
    lines += [*(f"- {escape(capitalized(line))}" for line in rank_lines(result)), ""]
    lines += [*_diagram(suite), *_as_markdown(verdicts_table(result)), "", f"{capitalized(VERDICT_NOTE)}.", ""]
    if absent := list(absent_lines(result)):
        lines += [*(f"{'  ' if line.startswith(' ') else ''}- {escape(line)}" for line in absent), ""]
    lines += [*_data(suite), "", "```sh", result.file.command, "```"]
    return "\n".join(lines) + "\n"


def suite_page(suite: RankedSuite, back: str) -> str:
    """The page of a suite; ``back`` is the relative path from its folder to the index."""
    sections = suite_sections(suite.result, _draw)
    page = suite_page_content(suite.result, sections)
    boards = [(name, relative_url(f"{suite.path_of(name)}/index.html")) for name in suite.boards]
    return render_page("suite.html", page=page, boards=boards, back=back)


def _draw(ranks: MeanRanks) -> Drawing:
    """The diagram as text: a drawing of matplotlib would differ between its versions, and so the page."""
    return Drawing("\n".join(diagram_lines(ranks)), "\n".join(diagram_lines(ranks, NARROW)), _DIAGRAM)


def _diagram(suite: RankedSuite) -> Iterator[str]:
    if found := find_mean_ranks(suite.result.standings):
        yield from ("```text", *diagram_lines(found), "```", "")
        yield f"{_DIAGRAM}; {critical_line(suite.result.standings)}."
        yield ""


def _data(suite: RankedSuite) -> Iterator[str]:
    """The table of datasets, whose names are links to their boards."""
    table = data_table(suite.result)
    pages = [f"{suite.path_of(name)}/README.md" for name in suite.boards]
    rows = [linked(map(escape, row), 0, page) for row, page in zip(table.rows, pages, strict=True)]
    return markdown_table(_columns(table), rows)


def _as_markdown(table: Table) -> Iterator[str]:
    return markdown_table(_columns(table), [list(map(escape, row)) for row in table.rows])


def _columns(table: Table) -> list[Column]:
    return [Column(name, at >= table.names) for at, name in enumerate(table.columns)]
