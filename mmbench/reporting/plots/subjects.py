"""The score of every unit under every method: a line joins the points of one."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.ranking import only_best, ranked
from mmbench.reporting.plots.style import BLUE, INK, MUTED, WIDTH, name_rows, new_figure, styled

if TYPE_CHECKING:
    from mmbench.results import Comparison, MethodResult

MOST = 120
"""Units above which points would hide each other."""
_POINTS = 1000  # in all rows: a page stays below 2 MB
NEEDS = "few people or trials, tested by a method in all its folds"
"""What records must hold for it."""


def can_show(comparison: "Comparison") -> bool:
    """Whether units are few enough, and more than one sample each, and tested by at least one method as a whole."""
    units = comparison.methods[0].units
    return comparison.run["unit"] != "sample" and 1 < len(units) <= MOST and bool(_whole(comparison))


def _whole(comparison: "Comparison") -> "list[MethodResult]":
    whole = [method for method in ranked(comparison) if not method.missing]
    return whole[: max(1, _POINTS // len(comparison.methods[0].units))]


def unit_scores(method: "MethodResult") -> NDArray[np.float64]:
    """Balanced accuracy of each unit by itself ``(U,)``, over the classes it has; the mean over seeds."""
    return method.outcomes.unit_scores


def subjects(comparison: "Comparison", width: float = WIDTH) -> Plot:
    """Scores of units, a row a method; those of methods that lack folds are left out."""
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
                mark(point, f"{name}: {method.name} {score:.3f}")
        name_rows(axes, [method.name for method in methods], width)
        axes.set_xlabel(f"balanced accuracy of each {unit}")
    rows = [(name, *(f"{score:.3f}" for score in column)) for name, column in zip(names, scores.T, strict=True)]
    return Plot(
        figure,
        f"Each {unit} under every method",
        f"Balanced accuracy of each of {len(names)} {unit}s by itself; a line joins the same {unit} across methods. "
        f"The bar is the mean over {unit}s, which is not the score over all samples where {unit}s lack a class."
        + only_best(methods, comparison),
        (unit, *(method.name for method in methods)),
        tuple(rows),
        mark.told,
    )
