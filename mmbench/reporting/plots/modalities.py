"""Shapley value of each modality for each method."""

from typing import TYPE_CHECKING

from mmbench.reporting.metric_names import direction_sentence
from mmbench.reporting.number_format import format_difference
from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.ranking import ranked
from mmbench.reporting.plots.style import INK, MUTED, WIDTH, name_rows, new_figure, series, styled
from mmbench.reporting.terminal.modality_effects import effects_of

if TYPE_CHECKING:
    from mmbench.results import Comparison, ModalityScores
NEEDS = "a diagnosis of up to 8 modalities"
"""Parts of records that the plot needs."""


def can_show(comparison: "Comparison") -> bool:
    """Whether a method was diagnosed with modalities few enough for Shapley values."""
    return bool(_diagnosed(comparison))


def _diagnosed(comparison: "Comparison") -> "dict[str, ModalityScores]":
    found = {method.name: method.diagnosis for method in ranked(comparison)}
    return {name: each for name, each in found.items() if each is not None and each.shapley is not None}


def modalities(comparison: "Comparison", width: float = WIDTH) -> Plot:
    """A row for each modality of each method: its Shapley value with its interval."""
    found, mark = _diagnosed(comparison), Marks()
    rows = [
        (method, name, each.shapley[name], effects_of(each, name))
        for method, each in found.items()
        if each.shapley
        for name in each.modalities
    ]
    styles = {name: series(at) for at, name in enumerate(dict.fromkeys(name for _, name, _, _ in rows))}
    with styled():
        figure = new_figure(0.36 * len(rows) + 0.9, width)
        axes = figure.subplots()
        for at, (method, name, value, _) in enumerate(rows):
            style = styles[name]
            axes.plot([value.low, value.high], [at, at], color=style.color, linewidth=2.2, alpha=0.45)
            (point,) = axes.plot(value.mean, at, style.marker, color=style.color, markersize=8)
            mark(point, f"{method}, {name}: {format_difference(value)}")
            if at and rows[at - 1][0] != method:
                axes.axhline(at - 0.5, color=MUTED, linewidth=0.5, alpha=0.5)
        name_rows(axes, [f"{method} · {name}" for method, name, _, _ in rows], width)
        axes.axvline(0, color=INK, linewidth=1.0)
        axes.set_xlabel(f"Shapley value ({comparison.metric_title})")
    return Plot(
        figure,
        "Shapley values of the modalities",
        f"Mean change of {comparison.metric_title} when the modality is added, over all orders of adding modalities to "
        "the trained method, with 95 % intervals. Values of one method add up to its score with all modalities minus "
        f"that with none. {direction_sentence(comparison)}".rstrip(),
        ("method", "modality", "Shapley value [95 % interval]", "removing it", "shuffling it"),
        tuple((method, name, format_difference(value), *effects) for method, name, value, effects in rows),
        mark.texts,
        names=2,
    )
