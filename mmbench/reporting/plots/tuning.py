"""Score against the budget of tuning: the best on validation after so many trials."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmbench.reporting.plots.panels import add_legend
from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.ranking import ranked
from mmbench.reporting.plots.style import WIDTH, line_of, new_figure, series, styled
from mmbench.tuning import FoldTuning, parse_tuning

if TYPE_CHECKING:
    from mmbench.results import Comparison, MethodResult

NEEDS = "a tuning of several trials"
"""What records must hold for it."""


def can_show(comparison: "Comparison") -> bool:
    """Whether a method was tuned with more than one trial."""
    return bool(_tuned(comparison))


def _tuned(comparison: "Comparison") -> dict[str, list[float | None]]:
    found = {method.name: budget_curve(method) for method in ranked(comparison)}
    return {name: curve for name, curve in found.items() if sum(score is not None for score in curve) > 1}


def budget_curve(method: "MethodResult") -> list[float | None]:
    """The best validation score after each trial, mean over folds that were tuned; None until all have one.

    A fold with fewer trials than another keeps its last score.
    """
    tunings = _tunings(method)
    longest = max((len(tuning.trials) for tuning in tunings), default=0)
    curves = [[*tuning.curve, *[tuning.curve[-1]] * (longest - len(tuning.curve))] for tuning in tunings]
    return [_mean(scores) for scores in zip(*curves, strict=True)]


def _tunings(method: "MethodResult") -> Sequence[FoldTuning]:
    """Each once: seeds share the tuning of their fold, and with one scope all folds share that of the first."""
    found = [parse_tuning(record.tuning) for record in method.records if record.tuning]
    return list({tuning.fold: tuning for tuning in found}.values())


def _mean(scores: Sequence[float | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return float(np.mean(known)) if len(known) == len(scores) else None


def tuning(comparison: "Comparison", width: float = WIDTH) -> Plot:
    """A curve a method; a mark where more trials made it better."""
    from matplotlib.ticker import MaxNLocator

    curves, mark = _tuned(comparison), Marks()
    looks = {name: series(at) for at, name in enumerate(curves)}
    with styled():
        figure = new_figure(3.0, width)
        axes = figure.subplots()
        for name, curve in curves.items():
            points = [(at, score) for at, score in enumerate(curve, start=1) if score is not None]
            look = looks[name]
            axes.step(*zip(*points, strict=True), where="post", color=look.color, linestyle=look.dash, linewidth=1.4)
            for (at, score), before in zip(points, [None, *points], strict=False):
                if before is None or score > before[1]:
                    (point,) = axes.plot(at, score, look.marker, color=look.color, markersize=6)
                    mark(point, f"{name}: {score:.3f} after {at} {'trial' if at == 1 else 'trials'}")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("trials a fold")
        axes.set_ylabel("best on validation")
        add_legend(figure, [line_of(look) for look in looks.values()], list(curves), columns=3)
    longest = max(map(len, curves.values()))
    rows = [
        (name, *(_cell(curve[at] if at < len(curve) else curve[-1]) for at in _kept(longest)))
        for name, curve in curves.items()
    ]
    return Plot(
        figure,
        "Score against tuning budget",
        "The best balanced accuracy on validation after so many trials, mean over folds; the first trial has the "
        "defaults. The choice was made on these scores: they are above what the test part shows.",
        ("method", *(f"{at + 1}" for at in _kept(longest))),
        tuple(rows),
        mark.told,
    )


def _cell(score: float | None) -> str:
    return "–" if score is None else f"{score:.3f}"


def _kept(longest: int) -> list[int]:
    """Which trials a table has room for: 1, 2, 3, 5, 10, 20 ... and the last."""
    wanted = [at for power in (1, 10, 100, 1000) for at in (power, 2 * power, 3 * power, 5 * power) if at < longest]
    return [at - 1 for at in (*wanted, longest)]
