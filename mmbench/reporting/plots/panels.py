"""Small multiples: panels with shared axes, one per method, and their legend."""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mmbench.reporting.plots.style import INK, MUTED, NARROW, new_figure, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHORT = 20  # longest name of which two fit in a row of a legend on a phone
PANEL_NAME = 26
"""Characters of a title above a panel, with three panels in a row."""


def make_panels(
    names: Sequence[str], height: float, width: float, share: bool = True, extra: float = 0.0
) -> "tuple[Figure, list[Axes]]":
    """A figure with a panel for each name, three in a row on a page and two on a phone.

    ``height`` of a row and ``extra`` height beyond the rows are in inches; ``share`` shares the axes.
    """
    columns = 2 if width <= NARROW else 3
    rows = -(-len(names) // columns)
    figure = new_figure(rows * height + extra, width)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=share, sharey=share)
    flat = [axes for row in grid for axes in row]
    for axes, name in zip(flat, names, strict=False):
        axes.set_title(shortened(name, PANEL_NAME if columns > 2 else PANEL_NAME - 6), color=INK)
    for axes in flat[len(names) :]:
        axes.set_visible(False)
    if share:
        # Where the last row is not full, a panel above a gap is the lowest one of its column.
        for axes in flat[max(0, len(names) - columns) : len(names)]:
            axes.tick_params(labelbottom=True)
    return figure, flat[: len(names)]


def add_legend(figure: "Figure", handles: Sequence[Any], names: Sequence[str], columns: int = 4) -> None:
    """A legend above the plot, with fewer columns on a phone."""
    if figure.get_figwidth() <= NARROW:
        columns = 2 if max(map(len, names)) <= _SHORT else 1
    figure.legend(
        handles,
        [shortened(name, 24) for name in names],
        loc="outside upper left",
        ncols=columns,
        handlelength=2.4,
        columnspacing=1.6,
    )


def label_outside(figure: "Figure", x: str, y: str) -> None:
    """Axis labels of all panels, outside of them."""
    figure.supxlabel(x, fontsize=10, color=MUTED)
    figure.supylabel(y, fontsize=10, color=MUTED)


def settle_layout(figure: "Figure") -> None:
    """Lay out square panels, whose places are right at the second drawing alone: at the first, titles are cut off."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # of fonts that are not used yet
        figure.draw_without_rendering()
