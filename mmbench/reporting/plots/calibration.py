"""Reliability diagrams: observed accuracy by confidence; for values, the coverage of intervals."""

from typing import TYPE_CHECKING

from mmbench.reporting.metric_names import kind_of
from mmbench.reporting.plots.panels import label_outside, make_panels
from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.ranking import ranked
from mmbench.reporting.plots.residuals import coverage, has_coverage
from mmbench.reporting.plots.style import BLUE, MUTED, WIDTH, styled
from mmbench.storage import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mmbench.results import Bin, Comparison, MethodResult

_SMALLEST, _LARGEST = 3.0, 9.0  # diameter in points of the mark of an empty and of the fullest bin
_BINNED = {"class": "Test samples", "labels": "Pairs of test sample and label"}
NEEDS = "probabilities, or residuals of the validation part"
"""Parts of records that the plot needs."""


def can_show(comparison: "Comparison") -> bool:
    """Whether the task has probabilities, of classes or of labels, or values with residuals of the validation part."""
    return all(method.calibration is not None for method in comparison.methods) or has_coverage(comparison)


def calibration(comparison: "Comparison", width: float = WIDTH) -> Plot:
    """A panel per method: observed accuracy over confidence; larger marks stand for more samples.

    For values, a row for each method and target with the coverage of 95 % intervals.
    """
    if kind_of(comparison.run) == "values":
        return coverage(comparison, width)
    methods, mark = ranked(comparison), Marks()
    with styled():
        figure, panels = make_panels([method.name for method in methods], 2.0, width, extra=0.2)
        for axes, method in zip(panels, methods, strict=True):
            _draw(axes, method, mark)
        label_outside(figure, "confidence", "observed accuracy")
    rows = [
        (method.name, f"{each.low:.2f}–{each.high:.2f}", str(each.count), f"{each.confidence:.3f}", f"{accuracy:.3f}")
        for method in methods
        for each in reliability(method)
        if (accuracy := each.accuracy) is not None
    ]
    return Plot(
        figure,
        "Reliability diagrams",
        f"{_BINNED[kind_of(comparison.run)]}, binned by the confidence of the prediction. On the dashed line a method "
        "is perfectly calibrated; below it, overconfident. Larger marks stand for more samples.",
        ("method", "confidence", "samples", "mean confidence", "observed accuracy"),
        tuple(rows),
        mark.texts,
        names=2,
    )


def reliability(method: "MethodResult") -> "tuple[Bin, ...]":
    """The bins of the diagram; none without probabilities."""
    return method.calibration.reliability if method.calibration else ()


def _draw(axes: "Axes", method: "MethodResult", mark: Marks) -> None:
    bins = [
        (each.count, each.confidence, each.accuracy)
        for each in reliability(method)
        if each.confidence is not None and each.accuracy is not None
    ]
    most = max(count for count, _, _ in bins)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1.0, linestyle=(0, (2, 2)))
    axes.plot(
        [confidence for _, confidence, _ in bins],
        [accuracy for _, _, accuracy in bins],
        color=BLUE,
        linewidth=1.0,
        alpha=0.5,
    )
    for count, confidence, accuracy in bins:
        size = _SMALLEST + (_LARGEST - _SMALLEST) * (count / most) ** 0.5
        (point,) = axes.plot(confidence, accuracy, "o", color=BLUE, markersize=size, clip_on=False)
        mark(
            point, f"{method.name}: accuracy {accuracy:.3f} at confidence {confidence:.3f} ({counted(count, 'sample')})"
        )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", ".5", "1"])
