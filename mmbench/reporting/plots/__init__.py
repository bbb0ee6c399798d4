"""Plots of results, one module a plot: from a result to a figure of matplotlib, with the numbers it shows."""

from mmbench.reporting.plots.plot import Marks as Marks
from mmbench.reporting.plots.plot import Plot as Plot

__all__ = ["Marks", "Plot"]
