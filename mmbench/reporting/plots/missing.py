"""Robustness to missing modalities: scores by the share of test samples that lack a modality."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mmbench.reporting.metric_names import capitalized, direction_sentence
from mmbench.reporting.number_format import format_interval
from mmbench.reporting.plots.panels import add_legend, label_outside, make_panels
from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.ranking import ranked
from mmbench.reporting.plots.style import MUTED, WIDTH, Series, line_of, series, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mmbench.results import Comparison, ConditionScore, MethodResult, ModalityScores

_ALL = "each modality"
NEEDS = "a diagnosis of modalities"
"""Parts of records that the plot needs."""


def can_show(comparison: "Comparison") -> bool:
    """Whether a method was diagnosed."""
    return bool(_diagnosed(comparison))


def _diagnosed(comparison: "Comparison") -> "list[tuple[MethodResult, ModalityScores]]":
    return [(method, method.diagnosis) for method in ranked(comparison) if method.diagnosis is not None]


def _curves(diagnosis: "ModalityScores") -> "Mapping[str, Mapping[float, ConditionScore]]":
    return {**diagnosis.missing, **({_ALL: diagnosis.missing_all} if diagnosis.missing_all else {})}


def missing(comparison: "Comparison", width: float = WIDTH) -> Plot:
    """A panel per method, a curve per modality."""
    found, mark = _diagnosed(comparison), Marks()
    names = list(dict.fromkeys(name for _, diagnosis in found for name in _curves(diagnosis)))
    styles = {name: series(at) for at, name in enumerate(names)}
    with styled():
        figure, panels = make_panels([method.name for method, _ in found], 1.9, width, extra=0.6)
        for axes, (method, diagnosis) in zip(panels, found, strict=True):
            if comparison.chance is not None:
                axes.axhline(comparison.chance, color=MUTED, linewidth=1.0, linestyle=(0, (2, 2)))
            for name, curve in _curves(diagnosis).items():
                _draw(axes, f"{method.name}, {name}", curve, styles[name], mark)
            axes.set_xticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
        add_legend(figure, [line_of(style) for style in styles.values()], names)
        label_outside(figure, "share of samples without it", comparison.metric_title)
    rows = [
        (method.name, name, f"{share:.0%}", format_interval(loss.score))
        for method, diagnosis in found
        for name, curve in _curves(diagnosis).items()
        for share, loss in curve.items()
    ]
    return Plot(
        figure,
        "Robustness to missing modalities",
        f"{capitalized(comparison.metric_title)} of the trained methods when a modality is removed from a share of the "
        f"test samples{'' if comparison.chance is None else '; the dashed line is the chance level'}. "
        f"{direction_sentence(comparison)}The methods are not trained again without the modality.",
        ("method", "missing", "share of samples", f"{comparison.metric_title} [95 % interval]"),
        tuple(rows),
        mark.texts,
        names=2,
    )


def _draw(axes: "Axes", label: str, curve: "Mapping[float, ConditionScore]", style: Series, mark: Marks) -> None:
    scores = [loss.score.mean for loss in curve.values()]
    axes.plot(list(curve), scores, color=style.color, linestyle=style.dash, linewidth=1.4)
    for share, loss in curve.items():
        (point,) = axes.plot(share, loss.score.mean, style.marker, color=style.color, markersize=5, clip_on=False)
        mark(point, f"{label} missing in {share:.0%}: {format_interval(loss.score)}")
