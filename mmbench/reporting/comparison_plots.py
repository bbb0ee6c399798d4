"""Plots of a comparison, for notebooks and papers."""

import math
from importlib import import_module
from typing import TYPE_CHECKING

from mmbench.errors import SpecError
from mmbench.registry import did_you_mean
from mmbench.reporting.plots.plot import Plot
from mmbench.reporting.plots.style import MUTED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mmbench.results import Comparison

PLOTS = (
    "ranking",
    "ranks",
    "subjects",
    "confusion",
    "predictions",
    "learning",
    "modalities",
    "missing",
    "calibration",
    "cost",
    "tuning",
)
_SIMULATED = "SIMULATED data"


def plot(comparison: "Comparison", name: str = "ranking") -> "Figure":
    """One plot of a comparison, a figure of matplotlib: save it with ``figure.savefig("ranking.pdf")``.

    ``name`` is one of

    - ``ranking``: the score of every method with its interval, best first
    - ``ranks``: critical-difference diagram, mean ranks of three or more methods over five or more units
    - ``subjects``: the score of every unit under every method
    - ``confusion``: a confusion matrix for each method, as shares of the true class
    - ``predictions``: predicted over observed values, or the F1 of every label
    - ``learning``: validation scores by epoch, and test scores of the chosen, the last and the oracle epoch
    - ``modalities``: Shapley values of the modalities of every method
    - ``missing``: scores where modalities are missing in a share of the samples
    - ``calibration``: reliability diagrams; for values, coverage of 95 % intervals
    - ``cost``: score against operations, latency and time of training
    - ``tuning``: the best validation score after so many tuning trials

    A figure of simulated data says so. Raises SpecError for another name, if matplotlib is not installed
    (``pip install "mmbench[pictures]"``), and where the records hold nothing that the plot could show.
    """
    if name not in PLOTS:
        raise SpecError(f"no plot {name!r}", where="plot", remedy=did_you_mean(name, PLOTS))
    module = import_module(f"mmbench.reporting.plots.{name}")
    if not module.can_show(comparison):
        raise SpecError(f"the records hold nothing for it ({module.NEEDS})", where=f"plot {name}")
    drawn = getattr(module, name)(comparison)
    assert isinstance(drawn, Plot)
    if comparison.simulated:
        _mark_simulated(drawn.figure)
    return drawn.figure


def _mark_simulated(figure: "Figure") -> None:
    """Write across a figure, which may be shown anywhere, that its data are simulated; on pages a warning says it."""
    width, height = figure.get_size_inches()
    text = figure.text(
        0.5,
        0.5,
        _SIMULATED,
        fontsize=min(5 * width, 20 * height),
        fontweight="bold",
        color=MUTED,
        alpha=0.2,
        ha="center",
        va="center",
        rotation=math.degrees(math.atan2(height, width)) / 2,
        zorder=10,
    )
    text.set_in_layout(False)
