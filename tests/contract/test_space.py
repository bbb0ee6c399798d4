"""Search spaces agree with the distributions that Optuna is given."""

import math
import subprocess
import sys

import pytest

from mmbench import Choice, Float, Int


@pytest.mark.parametrize(
    ("space", "inside", "outside"),
    [
        (Float(0.1, 0.5), [0.1, 0.3, 0.5], [0.09, 0.51, math.nan, "0.3", True, None]),
        (Float(1, 2), [1, 2, 1.5], [0, 3]),
        (Int(1, 4), [1, 2, 4], [0, 5, 1.5, True, "1", None]),
        (Choice("mean", "max", None), ["mean", None], ["min", 0, ""]),
    ],
)
def test_distribution_contains_exactly_its_range(space: Float | Int | Choice, inside: list, outside: list) -> None:
    assert [value for value in inside if not space.contains(value)] == []
    assert [value for value in outside if space.contains(value)] == []


@pytest.mark.parametrize("space", [Float(0.1, 0.5), Float(1e-4, 1.0, log=True), Int(1, 4), Int(1, 64, log=True)])
def test_a_range_becomes_the_same_range_of_optuna(space: Float | Int) -> None:
    distribution = space.distribution()
    assert (distribution.low, distribution.high, distribution.log) == (space.low, space.high, space.log)


def test_a_choice_becomes_the_same_choice_of_optuna() -> None:
    assert Choice("a", 2, None).distribution().choices == ("a", 2, None)


def test_declaring_a_space_does_not_import_optuna() -> None:
    code = "import sys; from mmbench import Float; Float(0, 1); sys.exit('optuna' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
