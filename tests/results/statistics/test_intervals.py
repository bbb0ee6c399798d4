"""Intervals have their coverage and stay within the range of scores."""

from collections.abc import Callable

import numpy as np
import pytest
from statsmodels.stats.weightstats import DescrStatsW

from mmbench.results.statistics import (
    Outcomes,
    combination_intervals,
    difference_intervals,
    find_statistical_units,
    score_intervals,
)
from mmbench.results.statistics.variance import OVERLAP
from mmbench.training.metrics import score_all

People = Callable[..., tuple[Outcomes, Outcomes]]
METRIC = "balanced_accuracy"


def noisy(n: int, right: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, n)
    return labels, np.where(random.random(n) < right, labels, 1 - labels)


def test_the_interval_holds_the_score_of_all_samples() -> None:
    labels, predictions = noisy(300, 0.7)
    unit = np.arange(300) % 25
    for name, interval in score_intervals(Outcomes(labels, predictions[None], unit, unit, 2)).items():
        assert interval.mean == pytest.approx(score_all(labels, predictions, 2)[name])
        assert interval.low < interval.mean < interval.high


def test_windows_of_one_person_are_not_independent() -> None:
    random = np.random.default_rng(1)
    labels, people = random.integers(0, 2, 400), np.repeat(np.arange(20), 20)
    predictions = np.where(np.repeat(random.random(20) < 0.6, 20), labels, 1 - labels)[None]
    by_person, by_window = (
        score_intervals(Outcomes(labels, predictions, unit, unit, 2))["accuracy"] for unit in (people, np.arange(400))
    )
    assert by_person.mean == pytest.approx(by_window.mean)
    assert by_person.high - by_person.low > 3 * (by_window.high - by_window.low)


def test_of_one_person_nothing_is_known() -> None:
    labels, predictions = noisy(50, 0.8)
    one = np.zeros(50, dtype=np.int64)
    interval = score_intervals(Outcomes(labels, predictions[None], one, one, 2))["accuracy"]
    assert (interval.low, interval.high) == (0, 1)


def test_a_constant_is_certain() -> None:
    # Two patients and six controls: a bootstrap that lost the patients gave .500 [.50, 1].
    labels, unit = np.repeat([0, 0, 1, 1, 1, 1, 1, 1], 5), np.repeat(np.arange(8), 5)
    interval = score_intervals(Outcomes(labels, np.ones((1, 40), dtype=np.int64), unit, unit, 2))[METRIC]
    assert (interval.low, interval.mean, interval.high) == (0.5, 0.5, 0.5)


def test_perfect_predictions_leave_room_for_people_not_seen() -> None:
    labels, unit = np.tile([0, 1], 100), np.repeat(np.arange(10), 20)
    interval = score_intervals(Outcomes(labels, labels[None], unit, unit, 2))[METRIC]
    assert interval.mean == interval.high == 1
    assert 0.6 < interval.low < 0.75
    nothing = score_intervals(Outcomes(labels, 1 - labels[None], unit, unit, 2))["accuracy"]
    assert (nothing.low, nothing.high) == (0, pytest.approx(1 - interval.low))


def test_identical_methods_differ_by_nothing_and_pairing_takes_out_how_hard_people_are(people: People) -> None:
    first, second = people(np.random.default_rng(4), gain=0.1)
    paired = difference_intervals(second, first)["accuracy"]
    one, two = (score_intervals(each)["accuracy"] for each in (first, second))
    assert paired.mean == pytest.approx(two.mean - one.mean)
    assert paired.high - paired.low < 0.8 * np.hypot(one.high - one.low, two.high - two.low)
    nothing = difference_intervals(first, first)["accuracy"]
    assert nothing.low == nothing.mean == nothing.high == 0


def test_a_difference_needs_the_same_samples(people: People) -> None:
    first, _ = people(np.random.default_rng(5), gain=0.1)
    fewer, _ = people(np.random.default_rng(5), gain=0.1, n=29)
    with pytest.raises(ValueError, match="600 samples against 580"):
        difference_intervals(first, fewer)
    other = Outcomes(1 - first.labels, first.predictions, first.unit, first.fold, 2)
    with pytest.raises(ValueError, match="other samples"):
        difference_intervals(first, other)


def test_of_a_mean_it_is_that_of_the_t_distribution(people: People) -> None:
    first, second = people(np.random.default_rng(8), gain=0.1, n=8, windows=400)
    one, two = ((each.predictions[0] == each.labels).reshape(8, 400).mean(axis=1) for each in (first, second))
    interval = difference_intervals(second, first)["accuracy"]
    low, high = DescrStatsW(two - one).tconfint_mean(0.05)
    assert interval.mean == pytest.approx((two - one).mean())
    assert interval.high - interval.low == pytest.approx(np.sqrt(1 + OVERLAP) * (high - low))


@pytest.mark.parametrize(("n", "ease"), [(10, 0.6), (30, 0.6), (10, 0.97), (30, 0.97)])
def test_intervals_hold_the_truth_as_often_as_they_say(n: int, ease: float) -> None:
    """People who differ (intra-class correlation .1), without a model: no training sets that overlap."""
    random, rounds, windows = np.random.default_rng(3), 400, 30
    held, width = 0, 0.0
    labels, unit = np.tile([0, 1], n * windows // 2), np.repeat(np.arange(n), windows)
    for _ in range(rounds):
        share = random.beta(9 * ease, 9 * (1 - ease), n)
        right = random.random(len(labels)) < share[unit]
        interval = score_intervals(Outcomes(labels, np.where(right, labels, 1 - labels)[None], unit, unit, 2))[METRIC]
        held += interval.low <= ease <= interval.high
        width += (interval.high - interval.low) / rounds
    # Wider than needed here: what training sets add is allowed for, and nothing is trained.
    assert held / rounds >= 0.93
    alone = 2 * 2.3 * np.sqrt(0.13 * ease * (1 - ease) / n)
    assert width < 2.5 * alone


@pytest.mark.parametrize("n", [10, 30])
def test_intervals_of_differences_hold_the_truth(n: int, people: People) -> None:
    random, held = np.random.default_rng(3), 0
    for _ in range(600):
        first, second = people(random, gain=0.1, n=n)
        interval = difference_intervals(second, first)[METRIC]
        held += interval.low <= 0.1 <= interval.high
    assert 0.93 <= held / 600 <= 0.985  # nothing is trained here: what is allowed for training sets is to spare


def test_weighted_sums_of_conditions(people: People) -> None:
    first, second = (each.ratios(METRIC) for each in people(np.random.default_rng(6), gain=0.1))
    one, other = people(np.random.default_rng(6), gain=0.1)
    weights = np.array([[1.0, 0.0], [-1.0, 1.0], [0.0, 0.0]])
    score, change, nothing = combination_intervals([first, second], weights, one.metrics[METRIC])
    assert score == score_intervals(one)[METRIC]
    expected = difference_intervals(other, one)[METRIC]
    assert (change.low, change.mean, change.high) == pytest.approx((expected.low, expected.mean, expected.high))
    assert nothing.low == nothing.mean == nothing.high == 0


def test_people_come_before_trials_and_trials_before_samples() -> None:
    ids = np.array(["a", "b", "c"])
    two, one = np.array(["x", "y", "y"]), np.array(["x", "x", "x"])
    assert find_statistical_units({"subject": two, "trial": ids}, ids)[0] == "subject"
    assert find_statistical_units({"subject": one, "trial": two}, ids)[0] == "trial"
    assert find_statistical_units({"subject": one}, ids)[0] == "sample"
    assert find_statistical_units({}, ids)[1] is ids


def test_without_subjects_the_coarsest_group_is_the_unit() -> None:
    clips, videos = np.array(["a1", "a2", "b1", "b1"]), np.array(["a", "a", "b", "b"])
    ids, one = np.arange(4).astype(str), np.array(["x"] * 4)
    for groups in ({"clip": clips, "video": videos}, {"video": videos, "clip": clips, "site": one}):
        name, units = find_statistical_units(groups, ids)
        assert (name, units.tolist()) == ("video", videos.tolist())
    assert find_statistical_units({"site": one}, ids)[0] == "sample"
    assert find_statistical_units({"subject": one, "video": videos}, ids)[0] == "video", "one person sees videos"
    assert find_statistical_units({"session": videos, "subject": one}, ids)[0] == "session"
    assert find_statistical_units({"session": videos, "subject": one, "trial": ids}, ids)[0] == "trial"
