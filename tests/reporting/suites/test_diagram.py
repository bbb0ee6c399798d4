"""The critical-difference diagram of a suite as text: places of methods, and bars that join them."""

import numpy as np

from mmbench.reporting.plots.ranks import MeanRanks
from mmbench.reporting.suites.diagram import diagram_lines

NAMES = ["best", "middle", "worst"]


def draw(values: list[float], joined: list[list[int]], names: list[str] = NAMES) -> list[str]:
    return list(diagram_lines(MeanRanks(names, np.array(values), 5, joined)))


def test_a_method_stands_at_its_mean_rank_between_one_and_their_number() -> None:
    axis, *lines = draw([1.0, 2.0, 3.0], [])
    for rank, line in enumerate(lines, start=1):
        assert line.index("o ", line.index(" ")) == axis.index(str(rank))
        assert line.endswith(f" {rank:.2f}")


def test_a_bar_reaches_from_the_best_to_the_worst_of_its_methods() -> None:
    lines = draw([1.2, 1.8, 3.0], [[0, 1]])
    places = [line.index("o ", len("middle")) for line in lines[1:4]]
    assert (lines[4].index("="), lines[4].rindex("=")) == (places[0], places[1])


def test_a_diagram_fits_into_80_columns_and_shortens_long_names() -> None:
    lines = draw([1.0, 2.0, 3.0], [[0, 1, 2]], ["x" * 70, "milmer[dim=96]", "prior"])
    assert max(map(len, lines)) <= 80
    assert "x ..." in lines[1]


def test_methods_with_the_same_mean_rank_are_joined_in_one_place() -> None:
    lines = draw([2.0, 2.0, 2.0], [[0, 1, 2]])
    assert lines[4].strip() == "="


def test_ranks_of_many_methods_have_room_on_the_axis() -> None:
    names = [f"method {at}" for at in range(40)]
    axis, *lines = draw([float(at + 1) for at in range(40)], [], names)
    ranks = axis.split()[2:]
    assert ranks[0] == "1"
    assert len(ranks) > 5
    assert len(lines) == 40
