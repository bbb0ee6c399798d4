"""The list of slow tests names tests that exist, and leaves out no more than it must."""

from pathlib import Path

import pytest
from slow_tests import LIST, choose, measure

ROOT = Path(__file__).parents[1]
NAMES = LIST.read_text(encoding="utf-8").split()


@pytest.mark.parametrize("name", NAMES)
def test_a_slow_test_exists(name: str) -> None:
    path, _, function = name.partition("::")
    assert f"def {function}(" in (ROOT / path).read_text(encoding="utf-8")


def test_slow_tests_are_marked(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        assert (item.get_closest_marker("slow") is not None) == (item.nodeid.partition("[")[0] in NAMES), item.nodeid


def test_durations_are_those_of_a_function_with_all_its_parameters() -> None:
    lines = [
        "9.50s call     tests/a.py::test_x[1-2]",
        "0.50s setup    tests/a.py::test_x[3]",
        "2.00s call     tests/b.py::test_y",
    ]
    assert measure([*lines, "= slowest durations =", "(3 durations < 0.05s hidden.)"]) == {
        "tests/a.py::test_x": 10.0,
        "tests/b.py::test_y": 2.0,
    }


def test_the_longest_are_left_out_until_the_others_fit() -> None:
    took = {"a": 10.0, "b": 2.0, "c": 1.0}
    assert choose(took, 13.0) == []
    assert choose(took, 3.0) == ["a"]
    assert choose(took, 2.5) == ["a", "b"]
