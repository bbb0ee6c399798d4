"""Learning curves: validation scores by epoch, and test scores at the chosen, the last and the oracle epoch."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mmbench.reporting.number_format import format_score
from mmbench.reporting.plots.panels import add_legend, label_outside, make_panels
from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.ranking import ranked
from mmbench.reporting.plots.style import BLUE, GREEN, MUTED, VERMILION, WIDTH, point_of, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mmbench.results import Comparison, MethodResult

_FEWEST, _MOST = 3, 30  # trainings drawn of one method
_POINTS = 6000  # of all lines: a page stays below 2 MB
_STYLES = {"chosen": (BLUE, "o"), "last": (VERMILION, "s"), "oracle": (GREEN, "^")}
NEEDS = "trainings of several epochs"
"""Parts of records that the plot needs."""


class Epoch(NamedTuple):
    """One of the three epochs, from 1, and its score on the test part; means over trainings."""

    number: float
    score: float


def epochs_of(method: "MethodResult", metric: str) -> dict[str, Epoch]:
    """The chosen, the last and the oracle epoch."""
    return {
        which: Epoch(
            1 + float(np.mean([record.epochs[which] for record in method.records])), method.mean_score(which, metric)
        )
        for which in _STYLES
    }


def can_show(comparison: "Comparison") -> bool:
    """Whether a method was trained for more than one epoch."""
    return bool(_trained(comparison))


def _trained(comparison: "Comparison") -> "list[MethodResult]":
    return [method for method in ranked(comparison) if any(len(record.history) > 1 for record in method.records)]


def learning(comparison: "Comparison", width: float = WIDTH) -> Plot:
    """A panel per method: a line per training, and the three epochs as marks."""
    methods, mark = _trained(comparison), Marks()
    longest = max(len(record.history) for method in methods for record in method.records)
    n_lines = min(max(_POINTS // (longest * len(methods)), _FEWEST), _MOST)
    with styled():
        figure, panels = make_panels([method.name for method in methods], 1.75, width, extra=0.6)
        for axes, method in zip(panels, methods, strict=True):
            _draw(axes, method, comparison.metric, n_lines, mark)
        handles = [point_of(*style) for style in _STYLES.values()]
        add_legend(figure, handles, [f"{which} epoch" for which in _STYLES], columns=3)
        label_outside(figure, "epoch", comparison.metric_title)
    return Plot(
        figure,
        "Learning curves",
        f"Lines are validation scores, one per training (at most {n_lines} are drawn). Marks are test scores at the "
        "epoch chosen on validation, at the last epoch, and at the epoch that is best on test data (oracle), which is "
        "biased and not a result; each lies at its mean epoch over trainings.",
        ("method", *(f"{which} {what}" for which in _STYLES for what in ("epoch", "test score"))),
        tuple(tuple(_row(method, comparison.metric)) for method in methods),
        mark.texts,
    )


def _row(method: "MethodResult", metric: str) -> Iterator[str]:
    yield method.name
    for epoch in epochs_of(method, metric).values():
        yield f"{epoch.number:.1f}"
        yield format_score(epoch.score)


def _draw(axes: "Axes", method: "MethodResult", metric: str, n_lines: int, mark: Marks) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    for record in method.records[:n_lines]:
        scores = [epoch["validation_score"] for epoch in record.history]
        axes.plot(range(1, len(scores) + 1), scores, color=MUTED, linewidth=0.7, alpha=0.4)
    for which, epoch in epochs_of(method, metric).items():
        color, marker = _STYLES[which]
        (point,) = axes.plot(epoch.number, epoch.score, marker, color=color, markersize=8, zorder=3)
        mark(
            point,
            f"{method.name}, {which} epoch: {format_score(epoch.score)} on the test part, epoch {epoch.number:.1f}",
        )
