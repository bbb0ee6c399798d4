"""Ranking of methods by the metric of the verdict, with intervals and the chance level."""

from collections.abc import Sized
from typing import TYPE_CHECKING

from mmbench.reporting.metric_names import capitalized, direction_sentence
from mmbench.reporting.number_format import format_interval, format_score
from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.style import BLUE, GRID, INK, MUTED, WIDTH, name_rows, new_figure, styled
from mmbench.storage import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mmbench.results import Comparison, MethodResult

NEEDS = "scores"
"""Parts of records that the plot needs."""


def ranked(comparison: "Comparison") -> "list[MethodResult]":
    """The methods by the metric of the verdict, best first; equal ones in the order of the run."""
    return sorted(comparison.methods, key=lambda method: -method.orient(method.score.mean))


def only_best(drawn: Sized, comparison: "Comparison") -> str:
    """A sentence that names the number of drawn methods if some are left out, else nothing."""
    n = len(comparison.methods)
    return f" Only the best {len(drawn)} of {n} methods are drawn." if len(drawn) < n else ""


def can_show(comparison: "Comparison") -> bool:
    """Always: every record holds scores."""
    return True


def ranking(comparison: "Comparison", width: float = WIDTH) -> Plot:
    """The score of every method with its interval, best first; the chance level as a line where there is one."""
    methods, mark, title = ranked(comparison), Marks(), comparison.metric_title
    words = {verdict.against: verdict.word for verdict in comparison.verdicts}
    with styled():
        figure = new_figure(0.42 * len(methods) + 0.9, width)
        axes = figure.subplots()
        for at, method in enumerate(methods):
            _draw(axes, at, method, comparison, mark)
        name_rows(axes, [method.name for method in methods], width)
        if comparison.chance is not None:
            _draw_chance(axes, comparison.chance)
        axes.set_xlabel(f"{title}, 95 % interval")
        axes.margins(x=0.04)
    first, referred = comparison.methods[0].name, comparison.has_reference
    rows = [
        (method.name, format_interval(method.scores[comparison.metric]), *([words.get(method.name, "–")] * referred))
        for method in methods
    ]
    return Plot(
        figure,
        f"{capitalized(title)} of every method",
        f"{capitalized(title)} of {counted(len(methods), 'method')} on {comparison.run['dataset']}, best first, with "
        f"95 % intervals over {counted(len(comparison.methods[0].units), comparison.run['unit'])}. "
        f"{_chance_note(comparison)}" + (f"The filled mark is {first}." if referred else ""),
        ("method", f"{title} [95 % interval]", *([f"{first} compared with it"] * referred)),
        tuple(rows),
        mark.texts,
    )


def _chance_note(comparison: "Comparison") -> str:
    if comparison.chance is None:
        return direction_sentence(comparison)
    return f"The dashed line is the chance level, {format_score(comparison.chance)}. "


def _draw_chance(axes: "Axes", chance: float) -> None:
    axes.axvline(chance, color=MUTED, linewidth=1.0, linestyle=(0, (2, 2)))
    axes.annotate(
        "chance",
        (chance, 1.0),
        (4, -2),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        color=MUTED,
        fontsize=9,
        va="top",
    )


def _draw(axes: "Axes", at: int, method: "MethodResult", comparison: "Comparison", mark: Marks) -> None:
    score, is_first = method.scores[comparison.metric], comparison.has_reference and method is comparison.methods[0]
    color = BLUE if is_first else INK
    axes.plot([score.low, score.high], [at, at], color=color, linewidth=2.2, alpha=0.45, solid_capstyle="round")
    (point,) = axes.plot(
        score.mean, at, "o", color=color, markerfacecolor=color if is_first else GRID, markersize=8.5, clip_on=False
    )
    mark(point, f"{method.name}: {format_interval(score)}")
