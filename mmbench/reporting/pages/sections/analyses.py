"""Sections of a report beyond scores: units, confusion, learning, modalities, calibration, cost and tuning."""

from collections.abc import Iterator

from mmbench.reporting.pages.page_model import Block, Lines, Section, Table, Text
from mmbench.reporting.pages.plot_embedding import PlotEmbedder
from mmbench.reporting.plots import (
    calibration,
    confusion,
    cost,
    learning,
    missing,
    modalities,
    predictions,
    subjects,
    tuning,
)
from mmbench.reporting.plots.ranking import ranked
from mmbench.reporting.terminal.costs import COST, calibration_cells, calibration_columns, cost_cells, cost_lines
from mmbench.reporting.terminal.modality_effects import effects_paragraphs
from mmbench.reporting.terminal.tuning_budget import tuning_lines
from mmbench.results import Comparison
from mmbench.storage import plural_of


def analysis_sections(comparison: Comparison, embedder: PlotEmbedder) -> Iterator[Section]:
    """The sections for which the records hold data."""
    if subjects.can_show(comparison):
        plot = embedder.embed(lambda width: subjects.subjects(comparison, width))
        yield Section("subjects", plural_of(str(comparison.run["unit"])).capitalize(), [plot])
    if confusion.can_show(comparison):
        plot = embedder.embed(lambda width: confusion.confusion(comparison, width))
        yield Section("confusion", "Confusion", [plot])
    if predictions.can_show(comparison):
        plot = embedder.embed(lambda width: predictions.predictions(comparison, width))
        yield Section("predictions", "Predictions", [plot])
    if learning.can_show(comparison):
        plot = embedder.embed(lambda width: learning.learning(comparison, width))
        yield Section("learning", "Learning", [plot])
    if blocks := list(_modalities(comparison, embedder)):
        yield Section("modalities", "Modalities", blocks)
    yield Section("calibration", "Calibration", list(_calibration(comparison, embedder)))
    if cost.can_show(comparison):
        plot = embedder.embed(lambda width: cost.cost(comparison, width))
        yield Section("cost", "Cost", [plot])
    if tuning.can_show(comparison):
        plot = embedder.embed(lambda width: tuning.tuning(comparison, width))
        yield Section("tuning", "Tuning", [plot, Lines(list(tuning_lines(comparison.methods)))])


def _modalities(comparison: Comparison, embedder: PlotEmbedder) -> Iterator[Block]:
    if modalities.can_show(comparison):
        yield embedder.embed(lambda width: modalities.modalities(comparison, width))
    if missing.can_show(comparison):
        yield embedder.embed(lambda width: missing.missing(comparison, width))
    if any(method.diagnosis for method in comparison.methods):
        yield from (Text(text, quiet=True) for text in effects_paragraphs(comparison))


def _calibration(comparison: Comparison, embedder: PlotEmbedder) -> Iterator[Block]:
    if calibration.can_show(comparison):
        yield embedder.embed(lambda width: calibration.calibration(comparison, width))
    rows = [(method.name, *calibration_cells(method), *cost_cells(method)) for method in ranked(comparison)]
    yield Table("Calibration and cost of every method", ("method", *calibration_columns(comparison), *COST), rows)
    yield Text(" ".join(cost_lines(comparison)), quiet=True)
