"""Best validation score by the number of tuning trials."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmbench.reporting.number_format import format_score
from mmbench.reporting.plots.panels import add_legend
from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.ranking import ranked
from mmbench.reporting.plots.style import WIDTH, line_of, new_figure, series, styled
from mmbench.storage import counted
from mmbench.tuning import FoldTuning, parse_tuning

if TYPE_CHECKING:
    from mmbench.results import Comparison, MethodResult

NEEDS = "two or more tuning trials"
"""Parts of records that the plot needs."""
_LEGEND_ROW, _LEGEND_ROWS = 0.25, 6  # inches of a row; rows that the least height has room for


def can_show(comparison: "Comparison") -> bool:
    """Whether a method was tuned with more than one tuning trial."""
    return bool(_tuned(comparison))


def _tuned(comparison: "Comparison") -> dict[str, list[float | None]]:
    found = {method.name: budget_curve(method) for method in ranked(comparison)}
    return {name: curve for name, curve in found.items() if sum(score is not None for score in curve) > 1}


def budget_curve(method: "MethodResult") -> list[float | None]:
    """The best validation score after each tuning trial, mean over the tuned folds; None until all have one.

    A fold with fewer tuning trials than another keeps its last score.
    """
    tunings = _tunings(method)
    longest = max((len(tuning.trials) for tuning in tunings), default=0)
    curves = [[*tuning.curve, *[tuning.curve[-1]] * (longest - len(tuning.curve))] for tuning in tunings]
    return [_mean(scores) for scores in zip(*curves, strict=True)]


def _tunings(method: "MethodResult") -> Sequence[FoldTuning]:
    """Each tuning once: seeds share that of their fold, and all folds share one with ``--tune-scope once``."""
    found = [parse_tuning(record.tuning) for record in method.records if record.tuning]
    return list({tuning.fold: tuning for tuning in found}.values())


def _mean(scores: Sequence[float | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return float(np.mean(known)) if len(known) == len(scores) else None


def tuning(comparison: "Comparison", width: float = WIDTH) -> Plot:
    """A curve per method; a mark where the best score improves."""
    from matplotlib.ticker import MaxNLocator

    curves, mark = _tuned(comparison), Marks()
    styles = {name: series(at) for at, name in enumerate(curves)}
    with styled():
        figure = new_figure(3.0 + _LEGEND_ROW * max(len(curves) - _LEGEND_ROWS, 0), width)
        axes = figure.subplots()
        for name, curve in curves.items():
            points = [(at, score) for at, score in enumerate(curve, start=1) if score is not None]
            style = styles[name]
            axes.step(*zip(*points, strict=True), where="post", color=style.color, linestyle=style.dash, linewidth=1.4)
            for (at, score), before in zip(points, [None, *points], strict=False):
                if before is None or score != before[1]:
                    (point,) = axes.plot(at, score, style.marker, color=style.color, markersize=6)
                    mark(point, f"{name}: {format_score(score)} after {counted(at, 'tuning trial')}")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("tuning trials per fold")
        axes.set_ylabel(f"best validation {comparison.metric_title}")
        add_legend(figure, [line_of(style) for style in styles.values()], list(curves), columns=3)
    longest = max(map(len, curves.values()))
    rows = [
        (name, *(_cell(curve[at] if at < len(curve) else curve[-1]) for at in _kept(longest)))
        for name, curve in curves.items()
    ]
    return Plot(
        figure,
        "Validation score by tuning budget",
        f"The best {comparison.metric_title} on validation by the number of tuning trials, mean over folds; the first "
        "tuning trial has the defaults. Parameters are chosen on these scores, which are therefore better than on new "
        "data.",
        ("method", *(f"{at + 1}" for at in _kept(longest))),
        tuple(rows),
        mark.texts,
    )


def _cell(score: float | None) -> str:
    return "–" if score is None else format_score(score)


def _kept(longest: int) -> list[int]:
    """Indices of the tuning trials in the table: the 1st, 2nd, 3rd, 5th, 10th, 20th ... and the last."""
    wanted = [at for power in (1, 10, 100, 1000) for at in (power, 2 * power, 3 * power, 5 * power) if at < longest]
    return [at - 1 for at in (*wanted, longest)]
