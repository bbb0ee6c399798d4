"""The sections of a report that look behind the scores: a plot each, and what its numbers mean."""

from collections.abc import Iterator

from mmbench.reporting.pages.blocks import Block, Lines, Section, Table, Text
from mmbench.reporting.pages.drawing import Canvas
from mmbench.reporting.plots import calibration, confusion, cost, learning, missing, modalities, subjects, tuning
from mmbench.reporting.plots.ranking import ranked
from mmbench.reporting.terminal.budgets import tuning_lines
from mmbench.reporting.terminal.costs import CALIBRATION, COST, calibration_cells, cost_cells, cost_lines
from mmbench.reporting.terminal.worth import WORDS, worth_lines
from mmbench.results import Comparison


def detail_sections(comparison: Comparison, canvas: Canvas) -> Iterator[Section]:
    """What the records allow: a section that would be empty is left out."""
    if subjects.can_show(comparison):
        plot = canvas.draw(lambda width: subjects.subjects(comparison, width))
        yield Section("subjects", f"{str(comparison.run['unit']).capitalize()}s", [plot])
    plot = canvas.draw(lambda width: confusion.confusion(comparison, width))
    yield Section("confusion", "Confusion", [plot])
    if learning.can_show(comparison):
        plot = canvas.draw(lambda width: learning.learning(comparison, width))
        yield Section("learning", "Learning", [plot])
    if worth := list(_worth(comparison, canvas)):
        yield Section("modalities", "Modalities", worth)
    yield Section("calibration", "Calibration", list(_calibration(comparison, canvas)))
    if cost.can_show(comparison):
        plot = canvas.draw(lambda width: cost.cost(comparison, width))
        yield Section("cost", "Cost", [plot])
    if tuning.can_show(comparison):
        plot = canvas.draw(lambda width: tuning.tuning(comparison, width))
        yield Section("tuning", "Tuning", [plot, Lines(list(tuning_lines(comparison.methods)))])


def _worth(comparison: Comparison, canvas: Canvas) -> Iterator[Block]:
    if modalities.can_show(comparison):
        yield canvas.draw(lambda width: modalities.modalities(comparison, width))
    if missing.can_show(comparison):
        yield canvas.draw(lambda width: missing.missing(comparison, width))
    if any(method.diagnosis for method in comparison.methods):
        yield from (Text(text, quiet=True) for text in _on_worth(comparison))


def _on_worth(comparison: Comparison) -> Iterator[str]:
    """The lines under the terminal's table, which are broken at 80 columns, as paragraphs."""
    lines = list(worth_lines(comparison))
    at = lines.index(WORDS[0])
    yield from (" ".join(part) for part in (lines[:at], lines[at : at + len(WORDS)], lines[at + len(WORDS) :]) if part)


def _calibration(comparison: Comparison, canvas: Canvas) -> Iterator[Block]:
    yield canvas.draw(lambda width: calibration.calibration(comparison, width))
    rows = [(method.name, *calibration_cells(method), *cost_cells(method)) for method in ranked(comparison)]
    yield Table("Calibration and cost of every method", ("method", *CALIBRATION, *COST), rows)
    yield Text(" ".join(cost_lines(comparison)), quiet=True)
