"""The page of a suite: one HTML file that works offline."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from mmbench.reporting.metric_names import capitalized
from mmbench.reporting.number_format import format_interval
from mmbench.reporting.pages.page_model import Block, Code, Lines, Page, Section, Table, Text
from mmbench.reporting.pages.plot_embedding import PlotEmbedder
from mmbench.reporting.pages.rendering import Written, render_page, write_page
from mmbench.reporting.plots.ranks import MeanRanks
from mmbench.reporting.suites.diagram import find_mean_ranks, ranks_plot
from mmbench.reporting.suites.words import (
    DASH,
    VERDICT_COLUMNS,
    VERDICT_NOTE,
    absent_lines,
    data_row,
    dataset_title,
    lead,
    ordered_methods,
    rank_cell,
    rank_lines,
    settings_table,
    suite_warnings,
    units_note,
    verdict_cells,
    verdict_title,
)
from mmbench.results import Comparison
from mmbench.workflows import SuiteResult


def write_suite_report(result: SuiteResult, out: Path) -> Written:
    """Write the page into the folder ``out``."""
    return write_page(render_suite_report(result), out)


def render_suite_report(result: SuiteResult) -> str:
    """The page as HTML; the same records give the same page."""
    embedder = PlotEmbedder()
    sections = suite_sections(result, lambda ranks: embedder.embed(lambda width: ranks_plot(result, ranks, width)))
    return render_page("report.html", embedder.style_sheet.css, page=suite_page_content(result, sections))


def suite_page_content(result: SuiteResult, sections: Iterable[Section]) -> Page:
    """The page of a suite with its title, lead, warnings and ``sections``."""
    return Page(result.file.title, lead(result), tuple(sections), suite_warnings(result))


def suite_sections(result: SuiteResult, draw: Callable[[MeanRanks], Block]) -> Iterator[Section]:
    """The sections of a page; ``draw`` makes the diagram of mean ranks."""
    if result.comparisons:
        yield Section("scores", "Scores", [scores_table(result), Lines([f"[95 % interval]; {units_note(result)}"])])
        yield Section("ranks", "Mean ranks", list(_ranks(result, draw)))
        note = f"{capitalized(VERDICT_NOTE)}. A non-significant difference does not show equivalence."
        yield Section("verdicts", "Verdicts", [verdicts_table(result), Text(note, quiet=True)])
    if absent := list(absent_lines(result)):
        yield Section("missing", "Missing results", [Lines([line.strip() for line in absent])])
    data = [data_table(result)] if result.comparisons else []
    yield Section(
        "reproduce", "Datasets and reproduction", [*data, *_settings(result), Code(result.file.command, "The command")]
    )


def scores_table(result: SuiteResult) -> Table:
    """Mean ranks of the methods, and their scores by dataset, with intervals."""
    names = [dataset_title(name, each) for name, each in result.comparisons.items()]
    rows = [
        (
            method,
            rank_cell(result, method),
            *(
                format_interval(score) if (score := each.cell(method).score) else DASH
                for each in result.datasets
                if each.comparison
            ),
        )
        for method in ordered_methods(result)
    ]
    return Table("Scores by the metric of each dataset", ("method", "mean rank", *names), rows)


def _ranks(result: SuiteResult, draw: Callable[[MeanRanks], Block]) -> Iterator[Block]:
    if found := find_mean_ranks(result.standings):
        yield draw(found)
    yield Lines([capitalized(line) for line in rank_lines(result)])


def verdicts_table(result: SuiteResult) -> Table:
    """Verdicts on the first method, counted over datasets."""
    rows = [(name, *cells) for name, cells in verdict_cells(result).items()]
    return Table("Verdicts over datasets", (verdict_title(result), *VERDICT_COLUMNS), rows)


def data_table(result: SuiteResult) -> Table:
    """The datasets with a comparison, and the folders of their records."""
    columns = ("dataset", "task", "protocol", "metric", "units", "splits", "records")
    rows = [
        (
            dataset_title(name, each),
            *data_row(each),
            str(each.run["fingerprint"]),
            _records(result, each),
        )
        for name, each in result.comparisons.items()
    ]
    return Table("Datasets with a comparison", columns, rows, len(columns))


def _records(result: SuiteResult, comparison: Comparison) -> str:
    """The folder of the records of a dataset, relative to the file of the results."""
    folder = comparison.methods[0].folder.parent
    return folder.relative_to(result.path.parent).as_posix()


def _settings(result: SuiteResult) -> Iterator[Block]:
    """The settings of the suite: those of single datasets as a table, and those of all in a line."""
    columns, rows, common = settings_table(result.file.content["datasets"])
    yield Table(f"Settings of {result.file.label}", columns, rows, len(columns))
    yield Lines([f"All datasets: {common}"] if common else [])
