"""Section of a report on an ablation."""

from collections.abc import Iterator

from mmbench.reporting.pages.page_model import Block, Lines, Section
from mmbench.reporting.pages.plot_embedding import PlotEmbedder
from mmbench.reporting.plots import ablations
from mmbench.workflows import AblationResult


def ablation_section(number: int, result: AblationResult, embedder: PlotEmbedder) -> Section:
    """The section of an ablation, with a plot per table; ``number`` is its place among the ablations, from 1."""
    key = "ablation" if number == 1 else f"ablation-{number}"
    return Section(key, f"Ablation of {result.default.name}", list(_tables(result, embedder)))


def _tables(result: AblationResult, embedder: PlotEmbedder) -> Iterator[Block]:
    for table in result.tables:
        if ablations.can_show(result, table):
            yield embedder.embed(lambda width, table=table: ablations.ablation(result, table, width))  # type: ignore[misc]
        reasons = [f"{table.parameter} {row.value} was not run: {row.reason}" for row in table.rows if row.reason]
        if reasons:
            yield Lines(reasons)
