"""Residuals of values: bias, quantiles, and coverage of the interval of the validation part."""

from dataclasses import dataclass

import numpy as np
import pytest

from mmbench.registry import find_metric
from mmbench.results.residuals import QUANTILES, measure_residuals
from mmbench.results.statistics import Outcomes


@dataclass
class Fold:
    """What residuals need of a record."""

    run: dict
    spread: list[float] | None


def make(spread, seeds=2, people=40, windows=25, bias=0.0):
    random = np.random.default_rng(0)
    unit = np.repeat(np.arange(people), windows)
    target = random.normal(size=(len(unit), 2)) * (1, 10)
    outputs = target + bias + random.normal(size=(seeds, *target.shape)) * (1, 10)
    outcomes = Outcomes(target, outputs, unit, unit % 4, 2, kind="values", metric="mae",
                        metrics={"mae": find_metric("mae")})  # fmt: skip
    folds = [[Fold({"classes": ["small", "large"]}, spread) for _ in range(4)] for _ in range(seeds)]
    return measure_residuals(outcomes, folds).targets


def test_intervals_of_the_right_width_cover_as_often_as_they_say():
    for target, deviation in zip(make([1.0, 10.0]), (1, 10), strict=True):
        assert target.coverage.low < 0.95 < target.coverage.high
        assert target.coverage.mean == pytest.approx(0.95, abs=0.01)
        assert target.deviation == pytest.approx(deviation, rel=0.05)
        assert target.bias.low < 0 < target.bias.high
        assert target.quantiles[2] == pytest.approx(0, abs=0.1 * deviation)
        assert len(target.quantiles) == len(QUANTILES)


def test_overconfident_intervals_cover_too_little_and_bias_is_seen():
    small, large = make([0.5, 5.0], bias=2.0)
    assert small.coverage.high < 0.6
    assert small.bias.low > 1.8
    assert small.bias.mean == pytest.approx(large.bias.mean, abs=0.6) == pytest.approx(2, abs=0.6)


def test_without_validation_residuals_there_is_no_coverage():
    assert [target.coverage for target in make(None)] == [None, None]
