"""Ranking of methods by balanced accuracy, with intervals and the chance level."""

from typing import TYPE_CHECKING

from mmbench.reporting.number_format import format_interval
from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.style import BLUE, GRID, INK, MUTED, WIDTH, name_rows, new_figure, styled
from mmbench.storage import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mmbench.results import Comparison, MethodResult

_METRIC = "balanced_accuracy"
NEEDS = "scores"
"""Parts of records that the plot needs."""


def ranked(comparison: "Comparison") -> "list[MethodResult]":
    """The methods by balanced accuracy, best first; equal ones in the order of the run."""
    return sorted(comparison.methods, key=lambda method: -method.scores[_METRIC].mean)


def only_best(drawn: "list[MethodResult]", comparison: "Comparison") -> str:
    """A sentence that names the number of drawn methods if some are left out, else nothing."""
    n = len(comparison.methods)
    return f" Only the best {len(drawn)} of {n} methods are drawn." if len(drawn) < n else ""


def can_show(comparison: "Comparison") -> bool:
    """Always: every record holds scores."""
    return True


def ranking(comparison: "Comparison", width: float = WIDTH) -> Plot:
    """Balanced accuracy of every method with its interval, best first; the chance level as a line."""
    methods, mark = ranked(comparison), Marks()
    words = {verdict.against: verdict.word for verdict in comparison.verdicts}
    with styled():
        figure = new_figure(0.42 * len(methods) + 0.9, width)
        axes = figure.subplots()
        for at, method in enumerate(methods):
            _draw(axes, at, method, method is comparison.methods[0], mark)
        name_rows(axes, [method.name for method in methods], width)
        axes.axvline(comparison.chance, color=MUTED, linewidth=1.0, linestyle=(0, (2, 2)))
        axes.annotate(
            "chance",
            (comparison.chance, 1.0),
            (4, -2),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            color=MUTED,
            fontsize=9,
            va="top",
        )
        axes.set_xlabel("balanced accuracy, 95 % interval")
        axes.margins(x=0.04)
    rows = [(method.name, format_interval(method.scores[_METRIC]), words.get(method.name, "–")) for method in methods]
    return Plot(
        figure,
        "Balanced accuracy of every method",
        f"Balanced accuracy of {counted(len(methods), 'method')} on {comparison.run['dataset']}, best first, with 95 % "
        f"intervals over {counted(len(comparison.methods[0].units), comparison.run['unit'])}. The dashed line is the "
        f"chance level, {comparison.chance:.3f}; the filled mark is {comparison.methods[0].name}.",
        ("method", "balanced accuracy [95 % interval]", f"{comparison.methods[0].name} compared with it"),
        tuple(rows),
        mark.texts,
    )


def _draw(axes: "Axes", at: int, method: "MethodResult", is_first: bool, mark: Marks) -> None:
    score = method.scores[_METRIC]
    color = BLUE if is_first else INK
    axes.plot([score.low, score.high], [at, at], color=color, linewidth=2.2, alpha=0.45, solid_capstyle="round")
    (point,) = axes.plot(
        score.mean, at, "o", color=color, markerfacecolor=color if is_first else GRID, markersize=8.5, clip_on=False
    )
    mark(point, f"{method.name}: {format_interval(score)}")
