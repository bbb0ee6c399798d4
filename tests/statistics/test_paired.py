"""Paired tests against scipy and statsmodels, against values worked out by hand, and by simulation."""

from itertools import product

import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW

from mmbench.metrics import balanced_accuracy
from mmbench.statistics import find_leaders, judge, resampled_t_p
from mmbench.statistics.chance import chance_bound
from mmbench.statistics.paired import cohens_dz, holm, permutation_p, unit_differences, wilcoxon_p


@pytest.mark.parametrize("n", [6, 15])
def test_the_permutation_test_is_scipy_s(n, people):
    first, second = people(np.random.default_rng(0), 0.1, n)

    def statistic(x, y, axis):
        """From places in the list of all units of both methods."""
        every = np.concatenate([second, first])
        one, other = (balanced_accuracy(every[at.astype(int)].sum(axis=-3)) for at in (x, y))
        return one - other

    places = np.arange(n, dtype=float), np.arange(n, 2 * n, dtype=float)
    expected = scipy.stats.permutation_test(
        places, statistic, permutation_type="samples", vectorized=True, n_resamples=20_000, rng=1
    )
    assert permutation_p([second], [first], draws=20_000) == pytest.approx(expected.pvalue, abs=0.012)


@pytest.mark.parametrize("n", [5, 12])
def test_of_a_mean_the_permutation_test_is_scipy_s_to_the_last_exchange(n, people):
    # Units of equal size: accuracy is the mean of theirs, and scipy can try all exchanges of the means itself.
    first, second = people(np.random.default_rng(n), 0.05, n)
    means = [np.trace(counts, axis1=1, axis2=2) / counts.sum(axis=(1, 2)) for counts in (second, first)]
    expected = scipy.stats.permutation_test(
        means,
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=1e9,
    )
    assert permutation_p([second], [first], "accuracy") == pytest.approx(expected.pvalue, abs=1e-12)


def test_under_no_difference_one_in_twenty_is_found(people):
    random, rounds = np.random.default_rng(3), 2000
    permutation = wilcoxon = 0
    for _ in range(rounds):
        first, second = people(random, 0.0, 20)
        permutation += permutation_p([second], [first], draws=1000) < 0.05
        wilcoxon += wilcoxon_p(unit_differences([second], [first])) < 0.05
    assert 0.035 <= permutation / rounds <= 0.065
    assert 0.035 <= wilcoxon / rounds <= 0.065


def test_a_difference_is_found(people):
    first, second = people(np.random.default_rng(1), 0.15, 20)
    assert permutation_p([second], [first]) == permutation_p([first], [second]) < 0.01
    assert permutation_p([first], [first]) == 1


def test_few_people_can_show_only_so_much(people):
    first, second = people(np.random.default_rng(1), 0.3, 4)
    assert permutation_p([second], [first]) == 2 / 2**4


def test_seeds_are_exchanged_together(people):
    first, second = people(np.random.default_rng(2), 0.1, 8)
    assert permutation_p([second] * 3, [first] * 3) == permutation_p([second], [first])


def test_wilcoxon_is_scipy_s_where_no_difference_is_zero():
    differences = np.random.default_rng(0).normal(0.2, 1, 25)
    assert wilcoxon_p(differences) == pytest.approx(scipy.stats.wilcoxon(differences).pvalue)
    assert wilcoxon_p(np.zeros(5)) == 1


def test_wilcoxon_is_the_share_of_signs_that_leave_as_much():
    differences = np.random.default_rng(1).normal(0.3, 1, 10)
    ranks = scipy.stats.rankdata(np.abs(differences))
    sums = np.array([np.dot(signs, ranks) for signs in product([-1, 1], repeat=10)])
    expected = np.mean(np.abs(sums) >= abs(np.dot(np.sign(differences), ranks)))
    assert wilcoxon_p(differences) == pytest.approx(expected)


def test_effect_size():
    assert cohens_dz(np.array([1.0, 2.0, 3.0])) == pytest.approx(2.0)
    assert cohens_dz(np.full(3, -0.1)) is None
    assert cohens_dz(np.array([0.3])) is None


def test_the_resampled_t_test_corrects_for_shared_samples():
    differences = np.random.default_rng(0).normal(0.05, 0.1, 15)
    assert resampled_t_p(differences, 0.0) == pytest.approx(scipy.stats.ttest_1samp(differences, 0).pvalue)
    assert resampled_t_p(differences, 0.0) == pytest.approx(DescrStatsW(differences).ttest_mean(0)[1])
    statistic = differences.mean() / np.sqrt((1 / 15 + 0.25) * differences.var(ddof=1))
    assert resampled_t_p(differences, 0.25) == pytest.approx(2 * scipy.stats.t.sf(abs(statistic), 14))
    assert resampled_t_p(np.zeros(4), 0.25) == 1
    assert resampled_t_p(np.full(4, 0.1), 0.25) == 0


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize(
    "p_values",
    [[0.3], [0.01, 0.04, 0.03, 0.005], [0.02, 0.02, 0.02], [0.0, 1.0, 0.5, 0.5], np.geomspace(1e-4, 0.9, 9)[::-1]],
    ids=["one", "four", "ties", "ends", "nine"],
)
def test_holm_is_that_of_statsmodels(p_values):
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_guesses_stay_below_their_bound_as_often_as_it_says():
    labels = np.repeat([0, 1], [30, 10])
    bound = chance_bound(labels, 2)["balanced_accuracy"]
    random = np.random.default_rng(5)
    guesses = random.random((4000, 40)) < 0.25
    recalls = [(~guesses[:, labels == 0]).mean(axis=1), guesses[:, labels == 1].mean(axis=1)]
    assert np.mean(np.mean(recalls, axis=0) <= bound) == pytest.approx(0.95, abs=0.025)
    assert chance_bound(np.tile(labels, 100), 2)["balanced_accuracy"] < bound


def test_verdicts(people):
    random = np.random.default_rng(7)
    first, second = people(random, 0.2, 20)
    alike, _ = people(random, 0.0, 20)
    found = {v.against: v for v in judge([second], {"worse": [first], "same": [second]})}
    assert found["worse"].word == "helps"
    assert found["worse"].difference.low > 0 < found["worse"].effect
    assert (found["same"].word, found["same"].difference.mean, found["same"].p) == ("tie", 0, 1)
    (found,) = judge([first], {"better": [second]})
    assert found.word == "hurts"
    (found,) = judge([first], {"other": [alike]})
    assert found.word == "no evidence"


def test_each_further_comparison_makes_a_verdict_harder(people):
    first, second = people(np.random.default_rng(1), 0.07, 12)
    alone = judge([second], {"a": [first]})[0].p
    among = judge([second], {"a": [first], **{f"tie{number}": [second] for number in range(4)}})[0].p
    assert among == pytest.approx(min(5 * alone, 1))


def test_leaders_are_the_best_and_those_no_evidence_tells_from_it(people):
    first, second = people(np.random.default_rng(1), 0.3, 20)
    worse, better = sorted((first, second), key=lambda counts: balanced_accuracy(counts.sum(axis=0)))
    assert find_leaders({"worse": [worse], "better": [better], "again": [better]}) == ["better", "again"]
    assert find_leaders({"alone": [worse]}) == ["alone"]
    assert find_leaders({"worse": [worse], "also": [worse]}) == ["worse", "also"]
