"""Critical-difference diagram: mean ranks of methods over units, with bars that join what is not told apart."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.ranking import only_best, ranked
from mmbench.reporting.plots.style import BLUE, INK, MUTED, NARROW, WIDTH, new_figure, shortened, styled
from mmbench.storage import counted, plural_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mmbench.results import Comparison

NEEDS = "three methods, tested in all folds on at least five subjects or other units"
"""Parts of records that the plot needs."""
_LEAST_METHODS, _MOST_METHODS, _LEAST_UNITS = 3, 20, 5
_ROW, _BAR, _LETTER = 0.27, 0.17, 0.085  # inches
_AXIS = 0.36  # inches from the top
_TICKS = 10


@dataclass(frozen=True)
class MeanRanks:
    """Mean ranks ``(M,)`` of methods, by their ``names``, over ``n_units`` units, 1 for the best, in ascending order.

    ``joined`` are the largest sets of methods, as indices, of which no two differ significantly.
    """

    names: Sequence[str]
    values: NDArray[np.float64]
    n_units: int
    joined: Sequence[Sequence[int]]


def rank_methods(comparison: "Comparison") -> MeanRanks:
    """The mean ranks of the best methods without missing folds; methods with equal scores in a unit share their ranks.

    Units for which a method has no score are left out. Sets are those of `Comparison.pairs`, whose test is not one of
    ranks.
    """
    methods = [method for method in ranked(comparison) if not method.missing][:_MOST_METHODS]
    scores = np.stack([method.outcomes.unit_scores for method in methods])
    scores = scores[:, np.isfinite(scores).all(axis=0)]
    worse = -scores if comparison.higher_is_better else scores
    below = (worse[None] < worse[:, None]).sum(axis=1)
    equal = (worse[None] == worse[:, None]).sum(axis=1)
    means = (below + (equal + 1) / 2).mean(axis=1) if scores.shape[1] else np.zeros(len(methods))
    order = np.argsort(means, kind="stable")
    names = [methods[at].name for at in order]
    apart = {frozenset((pair.first, pair.second)) for pair in comparison.pairs if pair.is_significant}
    return MeanRanks(names, means[order], scores.shape[1], find_joined(names, apart))


def find_joined(names: Sequence[str], apart: Collection[frozenset[str]]) -> list[list[int]]:
    """The largest sets of two or more names, as indices, of which no two are ``apart``: significantly different."""
    near = {
        one: {
            other for other in range(len(names)) if other != one and frozenset((names[one], names[other])) not in apart
        }
        for one in range(len(names))
    }
    return sorted(sorted(found) for found in _cliques(set(), set(near), set(), near) if len(found) > 1)


def _cliques(
    inside: set[int], free: set[int], done: set[int], near: Mapping[int, set[int]]
) -> Iterator[frozenset[int]]:
    """The largest sets of which each two are near, by Bron & Kerbosch 1973 with Tomita's pivot."""
    if not free and not done:
        yield frozenset(inside)
        return
    pivot = max(free | done, key=lambda each: len(near[each] & free))
    for each in sorted(free - near[pivot]):
        yield from _cliques(inside | {each}, free & near[each], done & near[each], near)
        free, done = free - {each}, done | {each}


def can_show(comparison: "Comparison") -> bool:
    """Whether there are three methods without missing folds, and five units, not samples, with a score of each."""
    whole = [method for method in comparison.methods if not method.missing]
    if comparison.run["unit"] == "sample" or len(whole) < _LEAST_METHODS or len(whole[0].units) < _LEAST_UNITS:
        return False
    return rank_methods(comparison).n_units >= _LEAST_UNITS


def ranks(comparison: "Comparison", width: float = WIDTH) -> Plot:
    """The critical-difference diagram of Demšar 2006 (JMLR 7), joined by the pairwise comparisons of the report."""
    found, mark, unit = rank_methods(comparison), Marks(), comparison.run["unit"]
    first = comparison.methods[0].name if comparison.has_reference else ""
    with styled():
        figure = draw_ranks(found, first, width, mark)
    n_pairs = len(comparison.pairs)
    rows = [
        (
            name,
            f"{found.values[at]:.2f}",
            ", ".join(str(bar) for bar, each in enumerate(found.joined, start=1) if at in each) or "none",
        )
        for at, name in enumerate(found.names)
    ]
    whole = next(method for method in comparison.methods if not method.missing)
    left_out = len(whole.units) - found.n_units
    without = f" {counted(left_out, unit)} for which a method has no score are left out." if left_out else ""
    return Plot(
        figure,
        f"Mean ranks of methods over {plural_of(unit)}",
        f"Critical-difference diagram (Demšar 2006): mean rank of each method by {comparison.metric_title} over "
        f"{counted(found.n_units, unit)}, 1 for the best. A bar joins methods, its dots, of which no two differ "
        f"significantly in the pairwise comparisons: t test of scores over {plural_of(unit)} and trainings, adjusted "
        f"for {counted(n_pairs, 'pair')}, not a test of ranks.{without}" + only_best(found.names, comparison),
        ("method", "mean rank", "on bar"),
        tuple(rows),
        mark.texts,
    )


def draw_ranks(found: MeanRanks, first: str, width: float, mark: Marks) -> "Figure":
    """The diagram in inches from the upper left corner; names on both sides, on a phone on the left alone."""
    n = len(found.names)
    n_left = n if width <= NARROW else (n + 1) // 2
    names = [shortened(name, 19 if width <= NARROW else 24) for name in found.names]
    number = 0.42 if found.values.max() < 10 else 0.5
    left, right = (number + 0.1 + _LETTER * max(map(len, side), default=0) for side in (names[:n_left], names[n_left:]))
    scale = _Scale(left, width - (right if n_left < n else 0.2), n)
    levels = _levels(found)
    below = _AXIS + 0.12 + _BAR * (max(levels, default=-1) + 1)
    height = below + _ROW * max(n_left, n - n_left) + 0.05
    figure = new_figure(height, width)
    figure.set_layout_engine("none")  # every place is in inches
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    _draw_axis(axes, scale, n)
    for at, name in enumerate(found.names):
        is_left = at < n_left
        row = below + _ROW * ((at if is_left else n - 1 - at) + 0.5)
        color = BLUE if name == first else INK
        x, edge = scale(found.values[at]), scale.low - 0.08 if is_left else scale.high + 0.08
        axes.plot([x, x, edge], [_AXIS, row, row], color=color, linewidth=1.0, solid_joinstyle="round")
        (point,) = axes.plot(x, _AXIS, "o", color=color, markersize=6.5)
        mark(point, f"{name}: mean rank {found.values[at]:.2f}")
        away, side = (-1, "right") if is_left else (1, "left")
        axes.text(edge + 0.05 * away, row, f"{found.values[at]:.2f}", color=MUTED, fontsize=9, ha=side, va="center")
        axes.text(edge + number * away, row, names[at], color=color, ha=side, va="center")
    for number, (level, each) in enumerate(zip(levels, found.joined, strict=True), start=1):
        y = _AXIS + 0.17 + _BAR * level
        places = [scale(found.values[at]) for at in each]
        (bar,) = axes.plot(
            places, [y] * len(places), "-o", color=MUTED, linewidth=3.2, markersize=5.5, solid_capstyle="round"
        )
        mark(bar, f"bar {number}, not significantly different: {', '.join(found.names[at] for at in each)}")
    return figure


@dataclass(frozen=True)
class _Scale:
    """The place of a mean rank in inches, between ``low`` for 1 and ``high`` for the number of methods ``n``."""

    low: float
    high: float
    n: int

    def __call__(self, rank: float) -> float:
        return self.low + (self.high - self.low) * (rank - 1) / (self.n - 1)


def _levels(found: MeanRanks) -> list[int]:
    """The level of each bar, the first at the top, so that none lies on another."""
    ends: list[float] = []
    levels = []
    gap = 0.08 * (len(found.names) - 1) / 2
    for each in found.joined:
        low, high = found.values[each[0]], found.values[each[-1]]
        level = next((at for at, end in enumerate(ends) if end + gap < low), len(ends))
        ends[level:] = [high, *ends[level + 1 :]]
        levels.append(level)
    return levels


def _draw_axis(axes: "Axes", scale: _Scale, n: int) -> None:
    axes.plot([scale.low, scale.high], [_AXIS, _AXIS], color=MUTED, linewidth=1.2)
    for rank in range(1, n + 1, -(-n // _TICKS)):
        axes.plot([scale(rank)] * 2, [_AXIS - 0.06, _AXIS], color=MUTED, linewidth=1.2)
        axes.text(scale(rank), _AXIS - 0.1, str(rank), color=MUTED, fontsize=9, ha="center", va="bottom")
    axes.text(scale.low - 0.08, _AXIS, "mean rank", color=MUTED, fontsize=9, ha="right", va="center")
