"""Plots put into a page, each drawn once for a wide screen and once for a phone."""

from collections.abc import Callable

from mmbench.reporting.pages.blocks import Drawn, Table
from mmbench.reporting.pages.svg import Sheet, inline
from mmbench.reporting.plots.plot import Plot
from mmbench.reporting.plots.style import NARROW, WIDTH

Draw = Callable[[float], Plot]
"""Makes a plot of so many inches."""


class Canvas:
    """Draws the plots of one page: their styles are collected, their ids differ."""

    def __init__(self) -> None:
        self.sheet = Sheet()
        self._count = 0

    def draw(self, make: Draw) -> Drawn:
        """A plot with its numbers."""
        self._count += 1
        key = f"plot{self._count}"
        wide, narrow = make(WIDTH), make(NARROW)
        svg = inline({"wide": wide, "narrow": narrow}, key, self.sheet)
        table = Table(wide.title, wide.columns, wide.rows, wide.names)
        return Drawn(key, wide.title, wide.description, svg, table)
