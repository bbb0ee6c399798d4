"""Confusion matrices: predicted classes by true class."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mmbench.reporting.metric_names import kind_of
from mmbench.reporting.plots.panels import label_outside, make_panels, settle_layout
from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.ranking import only_best, ranked
from mmbench.reporting.plots.style import BLUE, INK, NARROW, PAPER, WIDTH, shortened, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mmbench.results import Comparison, MethodResult

_WRITTEN = 4  # classes up to which shares fit into their cells
_CLASSES = 30  # above which cells are too small
_CELLS = 1200  # in all matrices: a page stays below 2 MB
_STRONG = 0.6  # share from which on a number is written light on dark
FAINTEST = 0.04
"""Opacity of a cell with the smallest share that there is."""
NEEDS = "predictions of one class of at most 30"
"""Parts of records that the plot needs."""


def confusion_shares(method: "MethodResult") -> NDArray[np.float64]:
    """Confusion matrix normalised by true class ``(C, C)``; rows are true classes, and 0 where a class is absent."""
    counts = method.outcomes.confusion
    support = counts.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(counts, support, out=np.zeros_like(counts), where=support > 0))


def can_show(comparison: "Comparison") -> bool:
    """Whether the task is one class of at most 30, above which cells are too small."""
    return kind_of(comparison.run) == "class" and len(comparison.run["classes"]) <= _CLASSES


def _drawn(comparison: "Comparison") -> "list[MethodResult]":
    """The best methods, as many as the limit on cells allows."""
    return ranked(comparison)[: max(1, _CELLS // len(comparison.run["classes"]) ** 2)]


def confusion(comparison: "Comparison", width: float = WIDTH) -> Plot:
    """A matrix per method, over all test samples and seeds."""
    methods, mark = _drawn(comparison), Marks()
    classes = [str(name) for name in comparison.run["classes"]]
    side = width / (2 if width <= NARROW else 3)
    with styled():
        figure, panels = make_panels([method.name for method in methods], side + 0.1, width, extra=0.2)
        for axes, method in zip(panels, methods, strict=True):
            _draw(axes, method, classes, mark, width)
        label_outside(figure, "predicted class", "true class")
        settle_layout(figure)
    rows = [
        (method.name, name, *(f"{share:.3f}" for share in shares))
        for method in methods
        for name, shares in zip(classes, confusion_shares(method), strict=True)
    ]
    return Plot(
        figure,
        "Confusion matrices",
        "Rows are true classes, columns predicted classes. A darker cell holds a larger share of the samples of its "
        f"row.{only_best(methods, comparison)}",
        ("method", "true class", *(f"predicted {name}" for name in classes)),
        tuple(rows),
        mark.texts,
        names=2,
    )


def _draw(axes: "Axes", method: "MethodResult", classes: list[str], mark: Marks, width: float) -> None:
    from matplotlib.patches import Rectangle

    shares = confusion_shares(method)
    for (row, column), share in np.ndenumerate(shares):
        if share == 0:
            continue
        cell = Rectangle(
            (column - 0.48, row - 0.48), 0.96, 0.96, facecolor=BLUE, alpha=max(share, FAINTEST), linewidth=0
        )
        axes.add_patch(cell)
        mark(cell, f"{method.name}: {share:.0%} of {classes[row]} predicted as {classes[column]}")
        if len(classes) <= (_WRITTEN if width > NARROW else _WRITTEN - 1):
            color = PAPER if share > _STRONG else INK
            axes.text(column, row, f"{share:.2f}".removeprefix("0"), ha="center", va="center", fontsize=9, color=color)
    few = len(classes) <= 12
    names = [shortened(name, 11 if width > NARROW else 7) for name in classes] if few else []
    at = range(len(classes)) if few else []
    axes.set_xticks(at, names, rotation=0 if len(classes) <= 2 or max(map(len, names), default=0) <= 2 else 45)
    axes.set_yticks(at, names)
    axes.set_xlim(-0.55, len(classes) - 0.45)
    axes.set_ylim(len(classes) - 0.45, -0.55)
    axes.set_aspect("equal")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
