"""Distributions computed without `scipy.stats`, which takes half a second to import, agree with it."""

import numpy as np
import pytest
from scipy import stats

from mmbench.results.statistics.distributions import binomial_probability, normal_tail, t_quantile, t_tail


def test_binomial_probabilities_are_those_of_scipy() -> None:
    trials = np.repeat(np.array([1.0, 7.0, 200.0, 50_000.0]), 5)
    chance = np.tile(np.array([0.0, 0.03, 0.5, 0.97, 1.0]), 4)
    for share in (0.0, 0.1, 0.5, 1.0):
        count = np.floor(trials * share)
        expected = stats.binom.pmf(count, trials, chance)
        assert binomial_probability(count, trials, chance) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_more_successes_than_trials_have_probability_zero() -> None:
    count = np.array([2.0, 8.0])
    assert binomial_probability(count, count - 1, np.array([0.5, 1.0])).tolist() == [0, 0]


def test_t_and_normal_are_those_of_scipy() -> None:
    assert t_quantile(0.975, 4) == pytest.approx(stats.t.ppf(0.975, 4))
    assert t_tail(1.7, 4) == pytest.approx(stats.t.sf(1.7, 4))
    assert normal_tail(1.7) == pytest.approx(stats.norm.sf(1.7))
