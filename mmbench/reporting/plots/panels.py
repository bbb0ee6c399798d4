"""Several small plots that share their axes, a method each, and the legend above them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mmbench.reporting.plots.style import INK, MUTED, NARROW, new_figure, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHORT = 20  # characters of a name of which two fit beside each other on a phone
_NAME = 26
"""Characters of a name above a panel, of which three stand side by side."""


def make_panels(
    names: Sequence[str], height: float, width: float, share: bool = True, extra: float = 0.0
) -> "tuple[Figure, list[Axes]]":
    """A figure with a panel for each name, three beside each other on a page and two on a phone.

    ``height`` is that of a row, ``extra`` what goes beyond the rows, in inches. Axes are shared where ``share``.
    """
    columns = 2 if width <= NARROW else 3
    rows = -(-len(names) // columns)
    figure = new_figure(rows * height + extra, width)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=share, sharey=share)
    flat = [axes for row in grid for axes in row]
    for axes, name in zip(flat, names, strict=False):
        axes.set_title(shortened(name, _NAME if columns > 2 else _NAME - 6), color=INK)
    for axes in flat[len(names) :]:
        axes.set_visible(False)
    if share:
        # Where the last row is not full, the panels above its gaps are the lowest of their columns.
        for axes in flat[max(0, len(names) - columns) : len(names)]:
            axes.tick_params(labelbottom=True)
    return figure, flat[: len(names)]


def add_legend(figure: "Figure", handles: Sequence[Any], names: Sequence[str], columns: int = 4) -> None:
    """What the looks mean, above the plot; fewer beside each other on a phone."""
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
    """Name the axes once for all panels."""
    figure.supxlabel(x, fontsize=10, color=MUTED)
    figure.supylabel(y, fontsize=10, color=MUTED)
