"""Reliability diagrams: how often a method is right when it is so sure."""

from typing import TYPE_CHECKING

from mmbench.reporting.plots.panels import label_outside, make_panels
from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.ranking import ranked
from mmbench.reporting.plots.style import BLUE, MUTED, WIDTH, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mmbench.results import Comparison, MethodResult

_SMALLEST, _LARGEST = 3.0, 9.0  # points across of the mark of an empty and of a full bin
NEEDS = "probabilities"
"""What records must hold for it."""


def can_show(comparison: "Comparison") -> bool:
    """Always: every record tells it."""
    return True


def calibration(comparison: "Comparison", width: float = WIDTH) -> Plot:
    """A panel a method: confidence against the share that is right; marks are larger where there are more samples."""
    methods, mark = ranked(comparison), Marks()
    with styled():
        figure, panels = make_panels([method.name for method in methods], 2.0, width, extra=0.2)
        for axes, method in zip(panels, methods, strict=True):
            _draw(axes, method, mark)
        label_outside(figure, "confidence", "share that is right")
    rows = [
        (method.name, f"{each.low:.2f}–{each.high:.2f}", str(each.count), f"{each.confidence:.3f}", f"{right:.3f}")
        for method in methods
        for each in method.calibration.reliability
        if (right := each.accuracy) is not None
    ]
    return Plot(
        figure,
        "Reliability",
        "Samples by how sure the method was of the class it named. On the dashed line confidence is what it says; "
        "below it the method is surer than it is right. Larger marks stand for more samples.",
        ("method", "confidence", "samples", "mean confidence", "share right"),
        tuple(rows),
        mark.told,
        names=2,
    )


def _draw(axes: "Axes", method: "MethodResult", mark: Marks) -> None:
    bins = [
        (each.count, each.confidence, each.accuracy)
        for each in method.calibration.reliability
        if each.confidence is not None and each.accuracy is not None
    ]
    most = max(count for count, _, _ in bins)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1.0, linestyle=(0, (2, 2)))
    axes.plot([sure for _, sure, _ in bins], [right for _, _, right in bins], color=BLUE, linewidth=1.0, alpha=0.5)
    for count, sure, right in bins:
        size = _SMALLEST + (_LARGEST - _SMALLEST) * (count / most) ** 0.5
        (point,) = axes.plot(sure, right, "o", color=BLUE, markersize=size, clip_on=False)
        mark(point, f"{method.name}: {right:.0%} right at confidence {sure:.2f} ({count} samples)")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", ".5", "1"])
