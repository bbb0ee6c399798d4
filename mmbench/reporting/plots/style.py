"""Style of plots: colours, sizes, fonts, and series that differ in colour, marker and dash."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mmbench.errors import SpecError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, GRID, PAPER = "#1f2328", "#5f6771", "#e4e7eb", "#fefefe"
# Okabe & Ito 2008, without their yellow, which is lost on white.
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"
NAMES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--grid)",
    PAPER: "var(--paper)",
    BLUE: "var(--blue)",
    VERMILION: "var(--vermilion)",
    GREEN: "var(--green)",
    PURPLE: "var(--purple)",
    ORANGE: "var(--orange)",
    SKY: "var(--sky)",
}
"""CSS variables of these colours, which a page sets for its light and its dark theme."""
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, MUTED)
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)), (0, (9, 3)))
WIDTH, NARROW = 7.0, 3.9
"""Width in inches of a plot for a page, and for a phone."""
_SETTINGS = {
    "font.size": 10.0,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "text.parse_math": False,  # a name may hold a dollar
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "axes.titlepad": 10.0,
    "axes.unicode_minus": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
    "xtick.minor.size": 0.0,
    "ytick.minor.size": 0.0,
    "xtick.major.pad": 6.0,
    "ytick.major.pad": 6.0,
    "figure.facecolor": "none",
    "legend.frameon": False,
    "legend.borderaxespad": 0.0,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "mmbench",
    "lines.linewidth": 1.8,
    "lines.markersize": 6.5,
}


@dataclass(frozen=True)
class Series:
    """Style of a series, which differs from others without colours, too."""

    color: str
    marker: str
    dash: Any


def series(at: int) -> Series:
    """The style of the series number ``at``."""
    return Series(SERIES[at % len(SERIES)], _MARKERS[at % len(_MARKERS)], _DASHES[at % len(_DASHES)])


def line_of(style: Series, size: float = 5.0) -> object:
    """A line of that style for a legend."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color=style.color, marker=style.marker, linestyle=style.dash, linewidth=1.4, markersize=size)


def point_of(color: str, marker: str) -> object:
    """A point of that style for a legend."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color=color, marker=marker, linestyle="", markersize=8.0, markeredgewidth=1.5)


def check_matplotlib(where: str) -> None:
    """Raise SpecError about ``where`` if matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise SpecError("matplotlib is not installed", where=where, remedy='pip install "mmbench[pictures]"') from error


@contextmanager
def styled() -> Iterator[None]:
    """Sets the style of mmbench's plots while the block runs; SpecError if matplotlib is not installed."""
    check_matplotlib("plots")
    import matplotlib as mpl

    with mpl.rc_context(_SETTINGS):
        yield


def new_figure(height: float, width: float) -> "Figure":
    """An empty figure without a window; ``height`` and ``width`` in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def name_rows(axes: "Axes", names: Sequence[str], width: float) -> None:
    """Label the y axis with a row per name, from the top down; ``width`` is that of the figure in inches."""
    most = 34 if width > NARROW else 19
    axes.set_yticks(range(len(names)), [shortened(name, most) for name in names], color=INK)
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.grid(visible=False, axis="y")


def shortened(name: str, most: int) -> str:
    """The name, cut to ``most`` characters."""
    return name if len(name) <= most else f"{name[: most - 1]}…"
