"""Ranks over datasets: their intervals, and tests that hold for few datasets."""

from itertools import permutations, product

import numpy as np
import pytest
from scipy.stats import friedmanchisquare, studentized_range

from mmbench.results.statistics import ranks
from mmbench.results.statistics.ranks import (
    DatasetScores,
    RankTest,
    mean_rank_intervals,
    rank_scores,
    rank_test,
)


def make_test(ranks: list[list[float]]) -> RankTest:
    return rank_test(np.array(ranks, dtype=float), np.random.default_rng(0))


def test_the_largest_score_has_rank_one_and_equal_scores_share_their_rank() -> None:
    assert rank_scores(np.array([0.5, 0.9, 0.5, 0.1])).tolist() == [2.5, 1, 2.5, 4]
    assert rank_scores(np.array([-8.1, -7.9])).tolist() == [2, 1]


def test_rounding_errors_make_no_ranks() -> None:
    assert rank_scores(np.array([0.1 + 0.2, 0.3, 0.0])).tolist() == [1.5, 1.5, 3]


def test_chi_squared_is_that_of_scipy_also_with_equal_ranks() -> None:
    random = np.random.default_rng(3)
    scores = random.integers(0, 4, size=(4, 30)).astype(float)
    found = rank_test(np.stack([rank_scores(each) for each in scores.T], axis=1), random)
    expected = friedmanchisquare(*scores)
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p == pytest.approx(expected.pvalue, abs=0.02)  # of many datasets, chi-squared is close


def test_p_for_few_datasets_is_that_of_all_permutations() -> None:
    ranks = np.array([[1, 1, 2], [2, 3, 1], [3, 2, 3]], dtype=float)
    orders = [np.array(each) for each in permutations([1.0, 2.0, 3.0])]
    spread = [np.var(np.mean(each, axis=0)) for each in product(orders, repeat=3)]
    exact = np.mean(np.array(spread) >= np.var(ranks.mean(axis=1)) - 1e-9)
    assert rank_test(ranks, np.random.default_rng(0)).p == pytest.approx(exact, abs=0.01)


def test_three_datasets_that_agree_on_three_methods_are_as_likely_as_one_in_36() -> None:
    found = make_test([[1, 1, 1], [2, 2, 2], [3, 3, 3]])
    assert found.p == pytest.approx(1 / 36, abs=0.005)
    assert found.critical == 2
    assert [(pair.first, pair.second) for pair in found.pairs if pair.is_significant] == [(0, 2)]


def test_the_critical_difference_of_many_datasets_is_that_of_nemenyi() -> None:
    n_methods, n_datasets = 5, 60
    random = np.random.default_rng(1)
    ranks = np.stack([random.permutation(n_methods) + 1.0 for _ in range(n_datasets)], axis=1)
    nemenyi = studentized_range.ppf(0.95, n_methods, np.inf) * np.sqrt(n_methods * (n_methods + 1) / (12 * n_datasets))
    assert rank_test(ranks, random).critical == pytest.approx(nemenyi, rel=0.05)


def test_equal_ranks_everywhere_are_no_difference() -> None:
    found = make_test([[2, 2, 2], [2, 2, 2], [2, 2, 2]])
    assert (found.statistic, found.p, found.critical) == (0, 1, None)
    assert not any(pair.is_significant for pair in found.pairs)


@pytest.mark.parametrize("shape", [(2, 3), (3, 2)])
def test_two_datasets_or_two_methods_are_not_tested(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="methods on"):
        rank_test(np.ones(shape), np.random.default_rng(0))


def test_no_difference_is_found_in_five_percent_of_random_ranks_at_most() -> None:
    random = np.random.default_rng(5)
    rejected = 0
    for _ in range(100):
        ranks = np.stack([random.permutation(3) + 1.0 for _ in range(4)], axis=1)
        rejected += rank_test(ranks, random).p < 0.05
    assert rejected <= 12  # 5 expected; more than 12 in one of 700


def make_scores(scores: list[float], spread: float, n_units: int = 20, seed: int = 0) -> DatasetScores:
    influence = np.random.default_rng(seed).normal(size=(len(scores), n_units)) * spread / n_units
    return DatasetScores(np.array(scores), influence - influence.mean(axis=1, keepdims=True))


def test_datasets_that_agree_beyond_doubt_have_an_interval_without_width() -> None:
    found = mean_rank_intervals([make_scores([0.9, 0.5], 0.0)] * 4, np.random.default_rng(0))
    assert [(each.mean, each.low, each.high) for each in found] == [(1, 1, 1), (2, 2, 2)]


def test_datasets_that_disagree_widen_the_interval() -> None:
    agreeing = [make_scores([0.9, 0.5, 0.1], 0.0)] * 4
    disagreeing = [*agreeing[:2], *[make_scores([0.1, 0.5, 0.9], 0.0)] * 2]
    found = mean_rank_intervals(disagreeing, np.random.default_rng(0))[0]
    assert found.mean == 2
    assert found.low < 1.6
    assert found.high > 2.4


def test_units_that_vary_widen_the_interval() -> None:
    found = mean_rank_intervals([make_scores([0.52, 0.5], 1.0, seed=at) for at in range(4)], np.random.default_rng(0))
    assert found[0].mean == 1
    assert found[0].high > 1.2


def test_identical_predictions_stay_tied_in_every_bootstrap_sample() -> None:
    scores = make_scores([0.7, 0.2], 1.0)
    twice = DatasetScores(scores.scores[[0, 0]], scores.influence[[0, 0]])
    found = mean_rank_intervals([twice] * 3, np.random.default_rng(0))
    assert all((each.low, each.mean, each.high) == (1.5, 1.5, 1.5) for each in found)


@pytest.mark.parametrize(("n_datasets", "least"), [(3, 0.8), (10, 0.9)])
def test_intervals_cover_the_expected_mean_rank(n_datasets: int, least: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of four methods whose differences vary over datasets; docs/how-to/suite.md reports 150 repetitions of this."""
    monkeypatch.setattr(ranks, "_N_BOOTSTRAP", 400)
    random = np.random.default_rng(0)

    def draw() -> DatasetScores:
        mean = np.array([0.0, 0.3, 0.6, 0.9]) + 0.5 * random.normal(size=4)
        units = random.normal(size=(4, 20))
        return DatasetScores(mean + units.mean(axis=1), (units - units.mean(axis=1, keepdims=True)) / 20)

    expected = np.mean([rank_scores(draw().scores) for _ in range(5000)], axis=0)
    covered = [
        interval.low <= rank <= interval.high
        for _ in range(60)
        for rank, interval in zip(
            expected, mean_rank_intervals([draw() for _ in range(n_datasets)], random), strict=True
        )
    ]
    assert np.mean(covered) > least
