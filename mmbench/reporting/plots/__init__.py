"""Plots of results, one module per plot: a matplotlib figure with its title, description and data."""

from mmbench.reporting.plots.plot import Marks as Marks
from mmbench.reporting.plots.plot import Plot as Plot

__all__ = ["Marks", "Plot"]
