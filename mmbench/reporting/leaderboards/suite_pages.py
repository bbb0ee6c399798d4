"""Pages of the suites on leaderboards: Markdown and HTML."""

from collections.abc import Iterator

from mmbench.reporting.leaderboards.columns import Column
from mmbench.reporting.leaderboards.markdown import escape, linked, markdown_table, relative_url
from mmbench.reporting.leaderboards.suites import RankedSuite
from mmbench.reporting.metric_names import capitalized
from mmbench.reporting.number_format import format_interval
from mmbench.reporting.pages.page_model import Drawing, Page
from mmbench.reporting.pages.rendering import render_page
from mmbench.reporting.suites.diagram import diagram_lines, find_mean_ranks
from mmbench.reporting.suites.page import suite_sections
from mmbench.reporting.suites.words import (
    DASH,
    VERDICT_COLUMNS,
    VERDICT_NOTE,
    absent_lines,
    critical_line,
    data_row,
    dataset_title,
    lead,
    ordered_methods,
    rank_cell,
    rank_lines,
    units_note,
    verdict_cells,
    verdict_title,
)

_DIAGRAM = "Mean ranks; methods on a bar do not differ significantly"
_DATA = ("dataset", "task", "protocol", "metric", "units")


def suite_markdown(suite: RankedSuite) -> str:
    """Scores on each board, mean ranks with their test, counts of verdicts, and what is missing."""
    result = suite.result
    lines = [f"# {escape(result.file.title)}", "", escape(lead(result)), ""]
    lines += [*_scores(suite), "", f"[95 % interval]; {units_note(result)}", ""]
    lines += [*(f"- {escape(capitalized(line))}" for line in rank_lines(result)), ""]
    lines += [*_diagram(suite), *_verdicts(suite), ""]
    if absent := list(absent_lines(result)):
        lines += [*(f"{'  ' if line.startswith(' ') else ''}- {escape(line)}" for line in absent), ""]
    lines += [*_data(suite), "", "```sh", result.file.command, "```"]
    return "\n".join(lines) + "\n"


def suite_page(suite: RankedSuite, back: str) -> str:
    """The page of a suite; ``back`` is the relative path from its folder to the index."""
    sections = suite_sections(suite.result, lambda ranks: Drawing("\n".join(diagram_lines(ranks)), _DIAGRAM))
    page = Page(title=suite.result.file.title, lead=lead(suite.result), sections=tuple(sections))
    boards = [(name, relative_url(f"{suite.path_of(name)}/index.html")) for name in suite.boards]
    return render_page("suite.html", page=page, boards=boards, back=back)


def _scores(suite: RankedSuite) -> Iterator[str]:
    result = suite.result
    columns = [Column("method", False)]
    columns += [Column(dataset_title(name, each), True) for name, each in result.comparisons.items()]
    columns += [Column("mean rank", True)]
    rows = []
    for method in ordered_methods(result):
        scores = [each.cell(method).score for each in result.datasets if each.comparison]
        rows.append(
            [method, *(format_interval(score) if score else DASH for score in scores), rank_cell(result, method)]
        )
    return markdown_table(columns, [list(map(escape, row)) for row in rows])


def _diagram(suite: RankedSuite) -> Iterator[str]:
    if found := find_mean_ranks(suite.result.standings):
        yield from ("```text", *diagram_lines(found), "```", "")
        yield f"{_DIAGRAM}; {critical_line(suite.result.standings)}."
        yield ""


def _verdicts(suite: RankedSuite) -> Iterator[str]:
    columns = [Column(verdict_title(suite.result), False), *(Column(name, True) for name in VERDICT_COLUMNS)]
    rows = [[escape(name), *cells] for name, cells in verdict_cells(suite.result).items()]
    yield from markdown_table(columns, rows)
    yield ""
    yield f"{capitalized(VERDICT_NOTE)}."


def _data(suite: RankedSuite) -> Iterator[str]:
    rows = [
        linked(map(escape, (dataset_title(name, each), *data_row(each))), 0, f"{suite.path_of(name)}/README.md")
        for name, each in suite.result.comparisons.items()
    ]
    return markdown_table([Column(name, False) for name in _DATA], rows)
