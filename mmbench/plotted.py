"""The plots of a comparison as its methods, for notebooks and papers."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Plotted:
    """What a `Comparison` can draw: each method gives a figure of matplotlib, to be saved as SVG, PDF or PNG.

    They raise SpecError where matplotlib is not installed (``pip install "mmbench[pictures]"``), and where the records
    hold nothing that the plot could show.
    """

    def plot_ranking(self) -> "Figure":
        """Balanced accuracy of every method with its interval, best first."""
        return self._plot("ranking")

    def plot_subjects(self) -> "Figure":
        """The score of every unit under every method, a line joining those of one unit."""
        return self._plot("subjects")

    def plot_confusion(self) -> "Figure":
        """A confusion matrix for each method, as shares of the true class."""
        return self._plot("confusion")

    def plot_learning(self) -> "Figure":
        """Validation scores by epoch, and test scores of the chosen, the last and the oracle epoch."""
        return self._plot("learning")

    def plot_modalities(self) -> "Figure":
        """Shapley values of the modalities of every method."""
        return self._plot("modalities")

    def plot_missing(self) -> "Figure":
        """Scores where modalities are missing in a share of the samples."""
        return self._plot("missing")

    def plot_calibration(self) -> "Figure":
        """Reliability diagrams."""
        return self._plot("calibration")

    def plot_cost(self) -> "Figure":
        """Score against operations, latency and time of training."""
        return self._plot("cost")

    def plot_tuning(self) -> "Figure":
        """The best validation score after so many trials of tuning."""
        return self._plot("tuning")

    def _plot(self, name: str) -> "Figure":
        from mmbench.errors import SpecError
        from mmbench.plots.plot import Plot

        module = import_module(f"mmbench.plots.{name}")
        if not module.can_show(self):
            raise SpecError(f"the records hold nothing for it ({module.NEEDS})", where=f"plot_{name}")
        plot = getattr(module, name)(self)
        assert isinstance(plot, Plot)
        return plot.figure
