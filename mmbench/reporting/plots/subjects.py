"""Score of every unit under every method, with a line that joins the points of a unit."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mmbench.reporting.metric_names import capitalized
from mmbench.reporting.number_format import format_score
from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.ranking import only_best, ranked
from mmbench.reporting.plots.style import BLUE, INK, MUTED, WIDTH, name_rows, new_figure, styled
from mmbench.storage import counted, plural_of

if TYPE_CHECKING:
    from mmbench.results import Comparison, MethodResult

MOST = 120
"""Number of units above which points would hide each other."""
_POINTS = 1000  # in all rows: a page stays below 2 MB
NEEDS = "at most 120 subjects or other units, tested by a method in all folds"
"""Parts of records that the plot needs."""


def can_show(comparison: "Comparison") -> bool:
    """Whether there are 2 to `MOST` units that are not samples, and a method that has all folds."""
    units = comparison.methods[0].units
    return comparison.run["unit"] != "sample" and 1 < len(units) <= MOST and bool(_whole(comparison))


def _whole(comparison: "Comparison") -> "list[MethodResult]":
    whole = [method for method in ranked(comparison) if not method.missing]
    return whole[: max(1, _POINTS // len(comparison.methods[0].units))]


def unit_scores(method: "MethodResult") -> NDArray[np.float64]:
    """The score of each unit ``(U,)``; of balanced accuracy over the classes that it has; mean over seeds."""
    return method.outcomes.unit_scores


def subjects(comparison: "Comparison", width: float = WIDTH) -> Plot:
    """Scores of units, a row per method; methods that lack folds are left out."""
    methods, mark, unit = _whole(comparison), Marks(), comparison.run["unit"]
    names = methods[0].units
    scores = np.stack([unit_scores(method) for method in methods])
    with styled():
        figure = new_figure(0.6 * len(methods) + 0.9, width)
        axes = figure.subplots()
        for column in scores.T:
            axes.plot(column, range(len(methods)), color=MUTED, linewidth=0.7, alpha=0.45)
        for at, (method, row) in enumerate(zip(methods, scores, strict=True)):
            axes.plot([row.mean()] * 2, [at - 0.24, at + 0.24], color=INK, linewidth=2.4, solid_capstyle="round")
            for name, score in zip(names, row, strict=True):
                (point,) = axes.plot(score, at, "o", color=BLUE, alpha=0.75, markersize=5, clip_on=False)
                mark(point, f"{name}: {method.name} {format_score(score)}")
        name_rows(axes, [method.name for method in methods], width)
        axes.set_xlabel(f"{comparison.metric_title} of each {unit}")
    rows = [(name, *(format_score(score) for score in column)) for name, column in zip(names, scores.T, strict=True)]
    return Plot(
        figure,
        f"{capitalized(comparison.metric_title)} of each {unit}",
        f"{capitalized(comparison.metric_title)} of each of {counted(len(names), unit)}; a line joins the same {unit} "
        "across methods. "
        f"The bar is the mean over {plural_of(unit)}, which may differ from the score over all samples."
        + only_best(methods, comparison),
        (unit, *(method.name for method in methods)),
        tuple(rows),
        mark.texts,
    )
