"""Intervals are those of a bootstrap over whole units."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from statsmodels.stats.weightstats import DescrStatsW

from mmbench.metrics import METRICS, confusion
from mmbench.statistics import difference_intervals, score_intervals, unit_counts, unit_of
from mmbench.statistics.intervals import expanded_tail

People = Callable[..., tuple[np.ndarray, np.ndarray]]


def noisy(n: int, right: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, n)
    return labels, np.where(random.random(n) < right, labels, 1 - labels)


def test_the_interval_holds_the_score_of_all_samples() -> None:
    labels, predictions = noisy(300, 0.7)
    units = np.array([f"s{index % 25}" for index in range(300)])
    intervals = score_intervals([unit_counts(labels, predictions, units, 2)])
    for name, interval in intervals.items():
        assert interval.mean == pytest.approx(float(METRICS[name](confusion(labels, predictions, 2))))
        assert interval.low < interval.mean < interval.high


def test_the_interval_is_that_of_all_possible_draws() -> None:
    right, size = (1, 4, 6, 9), (10, 6, 8, 9)
    counts = np.array([[[hit, n - hit], [0, 0]] for hit, n in zip(right, size, strict=True)], dtype=float)
    draws = [
        sum(right[unit] for unit in draw) / sum(size[unit] for unit in draw) for draw in product(range(4), repeat=4)
    ]
    interval = score_intervals([counts], resamples=40_000)["accuracy"]
    tail = expanded_tail(4, 0.95)
    low, high = np.quantile(draws, (tail, 1 - tail), method="inverted_cdf")
    assert interval.mean == pytest.approx(20 / 33)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.02)


def test_windows_of_one_person_are_not_independent() -> None:
    random = np.random.default_rng(1)
    labels = random.integers(0, 2, 400)
    people = np.repeat(np.arange(20), 20).astype(str)
    predictions = np.where(np.repeat(random.random(20) < 0.6, 20), labels, 1 - labels)
    alone = np.arange(400).astype(str)
    by_person, by_window = (
        score_intervals([unit_counts(labels, predictions, units, 2)])["accuracy"] for units in (people, alone)
    )
    assert by_person.mean == pytest.approx(by_window.mean)
    assert by_person.high - by_person.low > 3 * (by_window.high - by_window.low)


def test_one_unit_has_no_spread() -> None:
    labels, predictions = noisy(50, 0.8)
    interval = score_intervals([unit_counts(labels, predictions, np.full(50, "s"), 2)])["accuracy"]
    assert interval.low == interval.mean == interval.high


def test_seeds_are_averaged_and_drawn_together() -> None:
    labels, first = noisy(200, 0.9, 1)
    second = np.where(np.arange(200) % 2, first, 1 - first)
    units = np.array([f"s{index % 10}" for index in range(200)])
    counts = [unit_counts(labels, predictions, units, 2) for predictions in (first, second)]
    alone, twice, both = score_intervals(counts[:1]), score_intervals([counts[0]] * 2), score_intervals(counts)
    assert twice["macro_f1"] == alone["macro_f1"]
    expected = np.mean([float(METRICS["accuracy"](each.sum(axis=0))) for each in counts])
    assert both["accuracy"].mean == pytest.approx(expected)


def test_the_level_and_the_seed_of_the_draws() -> None:
    labels, predictions = noisy(120, 0.7)
    counts = unit_counts(labels, predictions, np.array([f"s{index % 12}" for index in range(120)]), 2)
    wide, narrow = (score_intervals([counts], level=level)["accuracy"] for level in (0.95, 0.5))
    assert wide.low < narrow.low < narrow.high < wide.high
    assert score_intervals([counts]) == score_intervals([counts])


def test_counts_of_each_unit() -> None:
    labels, predictions = np.array([0, 1, 1, 0]), np.array([0, 0, 1, 1])
    counts = unit_counts(labels, predictions, np.array(["b", "a", "b", "a"]), 2)
    np.testing.assert_array_equal(counts, [[[0, 1], [1, 0]], [[1, 0], [0, 1]]])


def test_people_come_before_trials_and_trials_before_samples() -> None:
    ids = np.array(["a", "b", "c"])
    two, one = np.array(["x", "y", "y"]), np.array(["x", "x", "x"])
    assert unit_of({"subject": two, "trial": ids}, ids)[0] == "subject"
    assert unit_of({"subject": one, "trial": two}, ids)[0] == "trial"
    assert unit_of({"subject": one}, ids)[0] == "sample"
    assert unit_of({}, ids)[1] is ids


@pytest.mark.parametrize("n", [10, 30])
def test_intervals_hold_the_truth_as_often_as_they_say(n: int, people: People) -> None:
    random, rounds = np.random.default_rng(3), 1000
    paired = alone = 0
    for _ in range(rounds):
        first, second = people(random, gain=0.1, n=n)
        interval = difference_intervals([second], [first], resamples=300)["balanced_accuracy"]
        paired += interval.low <= 0.1 <= interval.high
        interval = score_intervals([first], resamples=300)["balanced_accuracy"]
        alone += interval.low <= 0.6 <= interval.high
    assert 0.93 <= paired / rounds <= 0.97
    assert 0.93 <= alone / rounds <= 0.97


def test_few_people_widen_an_interval() -> None:
    assert expanded_tail(5, 0.95) < expanded_tail(20, 0.95) < expanded_tail(10_000, 0.95) < 0.025
    assert expanded_tail(10_000, 0.95) == pytest.approx(0.025, rel=0.01)
    assert expanded_tail(1, 0.95) == pytest.approx(0.025)


def test_pairing_takes_out_how_hard_people_are(people: People) -> None:
    first, second = people(np.random.default_rng(4), gain=0.1)
    paired = difference_intervals([second], [first])["accuracy"]
    one, two = (score_intervals([counts])["accuracy"] for counts in (first, second))
    assert paired.mean == pytest.approx(two.mean - one.mean)
    apart = np.hypot(one.high - one.low, two.high - two.low)
    assert paired.high - paired.low < 0.8 * apart
    nothing = difference_intervals([first], [first])["accuracy"]
    assert nothing.low == nothing.mean == nothing.high == 0


def test_a_difference_needs_the_same_people(people: People) -> None:
    first, second = people(np.random.default_rng(5), gain=0.1)
    with pytest.raises(ValueError, match="30 units against 29"):
        difference_intervals([first], [second[1:]])


@pytest.mark.parametrize("n", [8, 30])
def test_of_a_mean_the_intervals_are_as_wide_as_those_of_the_t_distribution(n: int, people: People) -> None:
    first, second = people(np.random.default_rng(n), gain=0.1, n=n, windows=400)
    one, two = (np.trace(counts, axis1=1, axis2=2) / counts.sum(axis=(1, 2)) for counts in (first, second))
    for values, interval in (
        (two, score_intervals([second], resamples=20_000)["accuracy"]),
        (two - one, difference_intervals([second], [first], resamples=20_000)["accuracy"]),
    ):
        low, high = DescrStatsW(values).tconfint_mean(0.05)
        assert interval.mean == pytest.approx(values.mean())
        assert interval.high - interval.low == pytest.approx(high - low, rel=0.1)
