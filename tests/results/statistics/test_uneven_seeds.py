"""Methods with different numbers of seeds: each counts with all of its own."""

from dataclasses import replace

import numpy as np
import pytest

from mmbench.results.statistics import Outcomes, difference_intervals, find_leaders, make_verdicts


def simulate(random: np.random.Generator, seeds: int, ease: float, varies: bool = True) -> Outcomes:
    """Twelve people in four folds; each person and each training has an ease of its own."""
    unit = np.repeat(np.arange(12), 20)
    fold = unit % 4
    labels = np.tile(np.arange(2), 120)
    shifts = random.normal(0, 0.05, (seeds, 4))[:, fold] + random.normal(0, 0.05, 12)[unit]
    right = random.random((seeds, 240)) < ease + shifts * varies
    predictions = np.where(right, labels, 1 - labels)
    return Outcomes(labels, predictions if varies else np.repeat(predictions[:1], seeds, axis=0), unit, fold, 2, varies)


def score(outcomes: Outcomes) -> float:
    return outcomes.ratios("balanced_accuracy").score


@pytest.mark.parametrize("seeds", [(1, 3), (3, 1), (2, 5)])
def test_differences_are_those_of_the_scores_in_the_table(seeds: tuple[int, int]) -> None:
    random = np.random.default_rng(3)
    ours, theirs = (simulate(random, n, 0.7) for n in seeds)
    (verdict,) = make_verdicts(ours, {"theirs": theirs})
    assert verdict.difference.mean == pytest.approx(score(ours) - score(theirs))
    assert difference_intervals(ours, theirs)["balanced_accuracy"].mean == pytest.approx(verdict.difference.mean)


def test_the_best_is_the_one_that_scores_best() -> None:
    random = np.random.default_rng(1)
    for _ in range(30):
        methods = {str(n): simulate(random, n, 0.7) for n in (1, 2, 3)}
        assert find_leaders(methods)[0] == max(methods, key=lambda name: score(methods[name]))


def test_a_method_that_does_not_vary_needs_no_seeds() -> None:
    random = np.random.default_rng(2)
    ours, fixed = simulate(random, 3, 0.8), simulate(random, 3, 0.7, varies=False)
    once = replace(fixed, predictions=fixed.predictions[:1])
    (three,), (one,) = make_verdicts(ours, {"fixed": fixed}), make_verdicts(ours, {"fixed": once})
    assert one.p == pytest.approx(three.p)
    assert one.error == pytest.approx(three.error)


def test_equal_methods_with_different_numbers_of_seeds_seldom_differ_significantly() -> None:
    random = np.random.default_rng(0)
    for seeds in ((1, 3), (2, 4)):
        found = [
            make_verdicts(simulate(random, seeds[0], 0.7), {"twin": simulate(random, seeds[1], 0.7)})[0]
            for _ in range(400)
        ]
        assert sum(verdict.p < 0.05 for verdict in found) <= 26  # 6.5 % of 400


def test_interval_of_few_units_with_equal_differences_is_uninformative() -> None:
    labels, unit, fold = np.tile(np.arange(2), 6), np.repeat(np.arange(3), 4), np.repeat(np.arange(3), 4)
    right = Outcomes(labels, labels[None], unit, fold, 2)
    constant = replace(right, predictions=np.zeros_like(labels)[None])
    (verdict,) = make_verdicts(right, {"constant": constant})
    found = difference_intervals(right, constant)["balanced_accuracy"]
    assert verdict.p == 0.25
    assert found == verdict.difference
    assert (found.low, found.high) == (-1.0, 1.0)
