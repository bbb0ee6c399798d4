"""What trained methods score where modalities are missing in a share of the samples."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mmbench.reporting.plots.panels import add_legend, label_outside, make_panels
from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.ranking import ranked
from mmbench.reporting.plots.style import MUTED, WIDTH, Series, line_of, series, styled
from mmbench.reporting.terminal.layout import show_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mmbench.results import Comparison, ConditionScore, MethodResult, ModalityScores

_ALL = "each of them"
NEEDS = "a diagnosis of modalities"
"""What records must hold for it."""


def can_show(comparison: "Comparison") -> bool:
    """Whether a method was diagnosed."""
    return bool(_diagnosed(comparison))


def _diagnosed(comparison: "Comparison") -> "list[tuple[MethodResult, ModalityScores]]":
    return [(method, method.diagnosis) for method in ranked(comparison) if method.diagnosis is not None]


def _curves(diagnosis: "ModalityScores") -> "Mapping[str, Mapping[float, ConditionScore]]":
    return {**diagnosis.missing, **({_ALL: diagnosis.missing_all} if diagnosis.missing_all else {})}


def missing(comparison: "Comparison", width: float = WIDTH) -> Plot:
    """A panel a method, a curve a modality."""
    found, mark = _diagnosed(comparison), Marks()
    names = list(dict.fromkeys(name for _, diagnosis in found for name in _curves(diagnosis)))
    looks = {name: series(at) for at, name in enumerate(names)}
    with styled():
        figure, panels = make_panels([method.name for method, _ in found], 1.9, width, extra=0.6)
        for axes, (method, diagnosis) in zip(panels, found, strict=True):
            axes.axhline(comparison.chance, color=MUTED, linewidth=1.0, linestyle=(0, (2, 2)))
            for name, curve in _curves(diagnosis).items():
                _draw(axes, f"{method.name}, {name}", curve, looks[name], mark)
            axes.set_xticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
        add_legend(figure, [line_of(look) for look in looks.values()], names)
        label_outside(figure, "samples without it", "balanced accuracy")
    rows = [
        (method.name, name, f"{share:.0%}", show_interval(loss.score))
        for method, diagnosis in found
        for name, curve in _curves(diagnosis).items()
        for share, loss in curve.items()
    ]
    return Plot(
        figure,
        "Where modalities are missing",
        "What the trained methods score when a modality is taken from a share of the test samples; the dashed line is "
        "chance. A method that is trained without the modality may score otherwise.",
        ("method", "missing", "in", "balanced accuracy [95 % interval]"),
        tuple(rows),
        mark.told,
        names=2,
    )


def _draw(axes: "Axes", told: str, curve: "Mapping[float, ConditionScore]", look: Series, mark: Marks) -> None:
    scores = [loss.score.mean for loss in curve.values()]
    axes.plot(list(curve), scores, color=look.color, linestyle=look.dash, linewidth=1.4)
    for share, loss in curve.items():
        (point,) = axes.plot(share, loss.score.mean, look.marker, color=look.color, markersize=5, clip_on=False)
        mark(point, f"{told} missing in {share:.0%}: {show_interval(loss.score)}")
