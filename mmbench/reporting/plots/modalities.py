"""What each modality is worth to each method: Shapley values."""

from typing import TYPE_CHECKING

from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.ranking import ranked
from mmbench.reporting.plots.style import INK, MUTED, WIDTH, name_rows, new_figure, series, styled
from mmbench.reporting.terminal.layout import show_difference
from mmbench.reporting.terminal.worth import word_on

if TYPE_CHECKING:
    from mmbench.results import Comparison, ModalityScores
NEEDS = "a diagnosis of up to 8 modalities"
"""What records must hold for it."""


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
        (method, name, each.shapley[name], word_on(each, name))
        for method, each in found.items()
        if each.shapley
        for name in each.modalities
    ]
    looks = {name: series(at) for at, name in enumerate(dict.fromkeys(name for _, name, _, _ in rows))}
    with styled():
        figure = new_figure(0.36 * len(rows) + 0.9, width)
        axes = figure.subplots()
        for at, (method, name, worth, word) in enumerate(rows):
            look = looks[name]
            axes.plot([worth.low, worth.high], [at, at], color=look.color, linewidth=2.2, alpha=0.45)
            (point,) = axes.plot(worth.mean, at, look.marker, color=look.color, markersize=8)
            mark(point, f"{method}, {name}: {show_difference(worth)}, {word}")
            if at and rows[at - 1][0] != method:
                axes.axhline(at - 0.5, color=MUTED, linewidth=0.5, alpha=0.5)
        name_rows(axes, [f"{method} · {name}" for method, name, _, _ in rows], width)
        axes.axvline(0, color=INK, linewidth=1.0)
        axes.set_xlabel("Shapley value, balanced accuracy")
    return Plot(
        figure,
        "What each modality is worth",
        "Shapley values: a modality's share in what a trained method scores with all modalities over none, with 95 % "
        "intervals. To the right of the line it adds to the score.",
        ("method", "modality", "Shapley value [95 % interval]", "it is"),
        tuple((method, name, show_difference(worth), word) for method, name, worth, word in rows),
        mark.told,
        names=2,
    )
