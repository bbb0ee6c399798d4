"""Critical-difference diagram of a suite: for the terminal as text, for the page as a plot."""

from collections.abc import Iterator

import numpy as np

from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.ranks import MeanRanks, draw_ranks, find_joined
from mmbench.reporting.plots.style import styled
from mmbench.reporting.suites.words import critical_line
from mmbench.storage import counted
from mmbench.workflows import Standings, SuiteResult

_WIDTH, _LONGEST = 80, 30
NARROW = 36
"""Characters of a line on a phone."""


def find_mean_ranks(standings: Standings) -> MeanRanks | None:
    """Mean ranks with the sets of methods that do not differ significantly; None without a test."""
    test = standings.test
    if test is None:
        return None
    names = [each.method for each in standings.ranked]
    apart = {frozenset((names[pair.first], names[pair.second])) for pair in test.pairs if pair.is_significant}
    values = np.array([each.mean_rank for each in standings.ranked])
    return MeanRanks(names, values, len(standings.datasets), find_joined(names, apart))


def diagram_lines(found: MeanRanks, total: int = _WIDTH) -> Iterator[str]:
    """A line for each method with its place on the axis of mean ranks, and a bar for each set that is joined.

    Lines are ``total`` characters long at most.
    """
    longest = min(_LONGEST, total * 2 // 5)
    names = [name if len(name) <= longest else f"{name[: longest - 4]} ..." for name in found.names]
    margin = max(len("mean rank"), *map(len, names)) + 1
    width = total - margin - 6
    places = [round((value - 1) / (len(names) - 1) * (width - 1)) for value in found.values]
    yield f"{'mean rank':<{margin}}{_axis(len(names), width)}"
    for name, place, value in zip(names, places, found.values, strict=True):
        yield f"{name:<{margin}}{'·' * place}o".ljust(margin + width) + f" {value:.2f}"
    for each in found.joined:
        low, high = places[each[0]], places[each[-1]]
        yield f"{'':<{margin}}{' ' * low}{'=' * (high - low + 1)}"


def _axis(n_methods: int, width: int) -> str:
    """The whole ranks at their places, as many as there is room for."""
    cells = [" "] * (width + 3)
    step = -(-4 * n_methods // width)
    for rank in range(1, n_methods + 1, step):
        at = round((rank - 1) / (n_methods - 1) * (width - 1))
        cells[at : at + len(str(rank))] = str(rank)
    return "".join(cells).rstrip()


def ranks_plot(result: SuiteResult, found: MeanRanks, width: float) -> Plot:
    """The diagram of Demšar 2006 (JMLR 7) over the datasets of a suite."""
    mark, standings = Marks(), result.standings
    with styled():
        figure = draw_ranks(found, result.methods[0], width, mark)
    rows = [
        (
            name,
            f"{value:.2f}",
            ", ".join(str(bar) for bar, each in enumerate(found.joined, start=1) if at in each) or "none",
        )
        for at, (name, value) in enumerate(zip(found.names, found.values, strict=True))
    ]
    return Plot(
        figure,
        "Mean ranks of methods over datasets",
        f"Critical-difference diagram (Demšar 2006): mean rank of each method over "
        f"{counted(len(standings.datasets), 'dataset')}, 1 for the best. A bar joins methods, its dots, of which no "
        f"two differ significantly; {critical_line(standings)}.",
        ("method", "mean rank", "on bar"),
        tuple(rows),
        mark.texts,
    )
