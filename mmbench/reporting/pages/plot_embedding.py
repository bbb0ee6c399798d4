"""Embedding of plots in a page as SVG, in one version for wide screens and one for phones."""

from collections.abc import Callable

from mmbench.reporting.pages.page_model import PlotBlock, Table
from mmbench.reporting.pages.svg import StyleSheet, to_svg
from mmbench.reporting.plots.plot import Plot
from mmbench.reporting.plots.style import NARROW, WIDTH

MakePlot = Callable[[float], Plot]
"""Makes a plot whose width is given in inches."""


class PlotEmbedder:
    """Embeds the plots of one page: collects their styles and gives each plot its own ids."""

    def __init__(self) -> None:
        self.style_sheet = StyleSheet()
        self._count = 0

    def embed(self, make: MakePlot) -> PlotBlock:
        """The plot as SVG with its data as a table."""
        self._count += 1
        key = f"plot{self._count}"
        wide, narrow = make(WIDTH), make(NARROW)
        svg = to_svg({"wide": wide, "narrow": narrow}, key, self.style_sheet)
        table = Table(wide.title, wide.columns, wide.rows, wide.names)
        return PlotBlock(key, wide.title, wide.description, svg, table)
