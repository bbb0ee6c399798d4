"""Variances over people and trainings, against simulations and explicit matrices."""

import numpy as np
import pytest
import scipy.stats

from mmbench.results.statistics import Outcomes
from mmbench.results.statistics.ratios import Ratios
from mmbench.results.statistics.variance import (
    OVERLAP,
    Design,
    cluster_freedom,
    make_comparison_design,
    make_influence,
    variances,
)

METRIC = "balanced_accuracy"


def ratios_of(values: np.ndarray, unit: np.ndarray, fold: np.ndarray) -> Ratios:
    """Means over cells of equal size from values ``(S, N)``."""
    return Ratios(values[:, :, None], np.ones((*values.shape, 1)), unit, fold)


def variance_of(ratios: Ratios, varies: bool = True) -> tuple[float, Design, float]:
    design = make_comparison_design(ratios)
    (variance,), (free,) = variances(make_influence([ratios], [varies]), design)
    return float(variance), design, float(free)


def test_of_units_with_trainings_of_their_own_it_is_that_of_a_mean():
    values = np.random.default_rng(0).normal(size=(1, 12))
    variance, _, free = variance_of(ratios_of(values, np.arange(12), np.arange(12)))
    assert variance == pytest.approx((1 + OVERLAP) * values.var(ddof=1) / 12)
    assert free == pytest.approx(11)


def test_one_model_a_subject_shares_no_samples():
    values = np.random.default_rng(0).normal(size=(1, 24))
    unit, fold = np.repeat(np.arange(8), 3), np.arange(24)
    variance, design, free = variance_of(ratios_of(values, unit, fold))
    assert not design.overlaps
    assert variance == pytest.approx(values.reshape(8, 3).mean(axis=1).var(ddof=1) / 8)
    assert free == pytest.approx(7)


@pytest.mark.parametrize("crossed", [False, True], ids=["within folds", "across folds"])
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_people_and_trainings_are_both_counted(crossed, seeds):
    random, rounds, n, n_folds = np.random.default_rng(1), 2000, 12, 4
    people = np.arange(n)
    unit = np.repeat(people, n_folds) if crossed else people
    fold = np.tile(np.arange(n_folds), n) if crossed else people % n_folds
    means, estimates = [], []
    for _ in range(rounds):
        training = 0.8 * random.standard_normal((seeds, n_folds))
        noise = 0.5 * random.standard_normal((seeds, len(unit)))
        values = random.standard_normal(n)[unit] + training[:, fold] + noise
        ratios = ratios_of(values, unit, fold)
        parts = make_influence([ratios], [True])
        people_part, training_part, cell_part = (
            float(np.square(part).sum()) for part in (parts.people, parts.training, parts.cell)
        )
        means.append(ratios.score)
        estimates.append(people_part + training_part - cell_part)  # without what makes it err to the safe side
    assert np.mean(estimates) == pytest.approx(np.var(means), rel=0.1)


def test_with_one_seed_it_is_that_of_folds():
    random = np.random.default_rng(2)
    fold = np.arange(20) % 5
    values = random.standard_normal((1, 20)) + 5 * random.standard_normal(5)[fold]
    variance, _, free = variance_of(ratios_of(values, np.arange(20), fold))
    between = values[0].reshape(4, 5).mean(axis=0).var(ddof=1) / 5
    people = OVERLAP * values.var(ddof=1) / 20
    assert variance == pytest.approx(between + people)
    assert free == pytest.approx(4, rel=0.2)


def test_what_no_training_changes_loses_nothing():
    values = np.random.default_rng(3).standard_normal(20)
    fold = np.arange(20) % 5
    once = variance_of(ratios_of(values[None], np.arange(20), fold), varies=False)
    thrice = variance_of(ratios_of(np.stack([values] * 3), np.arange(20), fold))
    assert once[0] == pytest.approx(thrice[0]) == pytest.approx((1 + OVERLAP) * values.var(ddof=1) / 20)
    assert once[2] == pytest.approx(thrice[2]) == pytest.approx(19)


def bell_mccaffrey(share: np.ndarray) -> float:
    """Degrees of freedom by the matrix of all pairs of clusters, one stratum after the other."""
    covariance = np.zeros((len(share), len(share)))
    for column in share.T:
        centred = (np.eye(len(share)) - np.outer(column, np.ones(len(share)))) / np.sqrt(1 - column)[:, None]
        covariance += centred @ np.diag(column**2) @ centred.T
    return float(np.trace(covariance) ** 2 / np.trace(covariance @ covariance))


def test_degrees_of_freedom_are_those_of_bell_and_mccaffrey():
    random = np.random.default_rng(4)
    share = random.dirichlet(np.ones(9), size=3).T
    assert cluster_freedom(share) == pytest.approx(bell_mccaffrey(share))
    assert cluster_freedom(np.full((10, 2), 0.1)) == pytest.approx(9)
    assert cluster_freedom(share) < 8


def test_one_class_a_person_is_welch_s_test():
    # Two people of one class and eight of the other: Welch's variance, and hardly more than one degree of freedom.
    scores = np.random.default_rng(5).uniform(0.3, 0.9, 10)
    labels = np.repeat([0, 0, *[1] * 8], 100)
    unit = np.repeat(np.arange(10), 100)
    right = np.concatenate([np.arange(100) < round(100 * score) for score in scores])
    outcomes = Outcomes(labels, np.where(right, labels, 1 - labels)[None], unit, unit, 2)
    ratios = outcomes.ratios(METRIC)
    shares = np.round(100 * scores) / 100
    welch = (shares[:2].var(ddof=1) / 2 + shares[2:].var(ddof=1) / 8) / 4
    variance, design, free = variance_of(ratios)
    assert variance == pytest.approx((1 + OVERLAP) * welch)
    assert 1 < free < 2
    assert design.units == pytest.approx(free)


def test_a_class_that_one_person_has_leaves_nothing_to_estimate():
    labels, unit = np.array([0, 0, 1, 1, 1, 1]), np.array([0, 0, 1, 1, 2, 2])
    outcomes = Outcomes(labels, np.array([[0, 1, 1, 1, 0, 1]]), unit, unit, 2)
    assert make_comparison_design(outcomes.ratios(METRIC)).units == 0
    assert make_comparison_design(outcomes.ratios("accuracy")).units > 0


def test_f1_is_linearised_rightly():
    random = np.random.default_rng(6)
    labels, unit = random.integers(0, 3, 600), np.repeat(np.arange(30), 20)
    predicted = np.where(random.random(600) < 0.6, labels, random.integers(0, 3, 600))
    ratios = Outcomes(labels, predicted[None], unit, unit, 3).ratios("macro_f1")
    variance = variance_of(ratios)[0] / (1 + OVERLAP)
    without = []
    for left in range(30):
        keep = unit != left
        part = Outcomes(
            labels[keep], predicted[None][:, keep], np.unique(unit[keep], return_inverse=True)[1], unit[keep], 3
        )
        without.append(part.ratios("macro_f1").score)
    jackknife = 29 / 30 * np.sum((np.array(without) - np.mean(without)) ** 2)
    assert variance == pytest.approx(jackknife, rel=0.1)


def test_the_t_of_a_paired_difference_is_scipy_s():
    values = np.random.default_rng(7).normal(0.3, 1, (1, 15))
    variance, _, free = variance_of(ratios_of(values, np.arange(15), np.arange(15)))
    statistic = values.mean() / np.sqrt(variance / (1 + OVERLAP))
    expected = scipy.stats.ttest_1samp(values[0], 0)
    assert statistic == pytest.approx(expected.statistic)
    assert free == pytest.approx(expected.df)
