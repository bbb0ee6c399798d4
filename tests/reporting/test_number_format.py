"""Numbers beyond 1, and zeros without a sign."""

import numpy as np
import pytest

from mmbench.reporting.number_format import format_difference, format_interval, format_score, format_signed
from mmbench.results.statistics import Interval


@pytest.mark.parametrize(
    ("numbers", "score", "difference"),
    [
        ((0.62, 0.57, 0.68), "0.620 [.57, .68]", "+.620 [+.57, +.68]"),
        ((8.123, 7.45, 8.79), "8.12 [7.45, 8.79]", "+8.12 [+7.45, +8.79]"),
        ((0.5, -1.25, 2.25), "0.50 [-1.25, 2.25]", "+0.50 [-1.25, +2.25]"),
        ((0.82, 0.58, 1.06), "0.82 [0.58, 1.06]", "+.820 [+.58, +1.06]"),
        ((6.08, 1.7, 10.46), "6.08 [1.7, 10.5]", "+6.08 [+1.7, +10.5]"),
        ((72.41, 70.04, 74.9), "72.4 [70.0, 74.9]", "+72.4 [+70.0, +74.9]"),
        ((1234.5, 1200.2, 1300.0), "1234 [1200, 1300]", "+1234 [+1200, +1300]"),
        ((-0.036, -0.13, 0.06), "-0.036 [-.13, .06]", "-.036 [-.13, +.06]"),
    ],
)
def test_intervals(numbers, score, difference):
    assert format_interval(Interval(*numbers)) == score
    assert format_difference(Interval(*numbers)) == difference


def test_a_bound_just_below_zero_has_no_sign():
    assert format_interval(Interval(0.0, -1e-9, 1e-9)) == "0.000 [.00, .00]"


@pytest.mark.parametrize(("value", "text"), [(0.62, "0.620"), (1.0, "1.000"), (8.123, "8.12"), (-12.34, "-12.3")])
def test_scores(value, text):
    assert format_score(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.0124, "+.012"), (-0.0124, "-.012"), (1.25, "+1.25"), (-31.2, "-31.2")])
def test_signed(value, text):
    assert format_signed(value) == text


def test_a_bound_that_stands_for_infinity_is_infinite() -> None:
    largest = float(np.finfo(np.float64).max)
    assert format_interval(Interval(2.25, 0.0, largest)) == "2.25 [0.00, inf]"
    assert format_difference(Interval(0.5, -largest, largest)) == "+.500 [-inf, +inf]"
