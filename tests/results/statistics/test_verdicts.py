"""Verdicts, sets of best methods and tests above chance: error rates, and agreement with intervals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.results.statistics import Outcomes, above_chance, find_leaders, make_verdicts
from mmbench.results.statistics.contrasts import ALPHA, adjust, draw_maxima

METRIC = "balanced_accuracy"


def shares(rounds, happens):
    return np.mean([happens() for _ in range(rounds)])


@pytest.mark.parametrize("seeds", [1, 3])
def test_another_seed_is_not_significantly_different(alike, seeds):
    random = np.random.default_rng(0)

    def told_apart():
        one, other = alike(random, 2, n=36, seeds=seeds, training=0.08).values()
        return make_verdicts(one, {"other": other})[0].p < ALPHA

    assert shares(400, told_apart) <= 0.07  # of mmbench 0.1: a third


def test_a_difference_is_found_and_seeds_help_to_find_it(alike):
    def found(seeds):
        random = np.random.default_rng(1)

        def is_significant():
            one, other = alike(random, 2, n=20, seeds=seeds).values()
            worse = Outcomes(
                other.labels,
                np.where(random.random(other.predictions.shape) < 0.08, 1 - other.labels, other.predictions),
                other.unit,
                other.fold,
                2,
            )
            return make_verdicts(one, {"other": worse})[0].word == "significantly better"

        return shares(60, is_significant)

    assert found(1) < found(3) > 0.3


def test_words(people):
    random = np.random.default_rng(7)
    first, second = people(random, 0.2, 20)
    alike_one, _ = people(random, 0.0, 20)
    found = {v.against: v for v in make_verdicts(second, {"worse": first, "same": second})}
    assert found["worse"].word == "significantly better"
    assert found["worse"].difference.low > 0 < found["worse"].effect
    assert (found["same"].word, found["same"].difference.mean, found["same"].p) == ("identical", 0, 1)
    assert found["same"].effect is None
    assert make_verdicts(first, {"better": second})[0].word == "significantly worse"
    assert make_verdicts(first, {"other": alike_one})[0].word == "not significant"
    assert make_verdicts(first, {}) == []


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.floats(0, 0.12))
def test_an_interval_leaves_out_0_just_where_its_p_is_below_005(seed, n_methods, gain):
    random = np.random.default_rng(seed)
    n = int(random.integers(3, 25))
    labels, unit = np.tile([0, 1], 10 * n), np.repeat(np.arange(n), 20)
    methods = {}
    for at in range(n_methods):
        right = random.random((2, len(labels))) < 0.6 + at * gain
        methods[str(at)] = Outcomes(labels, np.where(right, labels, 1 - labels), unit, unit % 3, 2)
    first, *others = methods
    for verdict in make_verdicts(methods[first], {name: methods[name] for name in others}):
        outside = verdict.difference.low > 0 or verdict.difference.high < 0
        assert outside == (verdict.p < ALPHA) == (verdict.word in ("significantly better", "significantly worse"))
        assert verdict.raw_p <= verdict.p


def test_equal_differences_of_all_people_are_judged_by_their_number():
    for n, word in ((5, "not significant"), (6, "significantly better")):
        labels, unit = np.tile([0, 1], 5 * n), np.repeat(np.arange(n), 10)
        right, constant = (Outcomes(labels, each[None], unit, unit, 2) for each in (labels, np.zeros_like(labels)))
        (verdict,) = make_verdicts(right, {"constant": constant})
        assert verdict.p == 2.0 ** (1 - n)
        assert verdict.word == word
        assert (verdict.difference.low > 0) == (word == "significantly better")


def test_nothing_is_concluded_from_a_class_of_one_person():
    labels, unit = np.repeat([0, 1, 1, 1, 1, 1, 1, 1], 10), np.repeat(np.arange(8), 10)
    right, wrong = (Outcomes(labels, each[None], unit, unit, 2) for each in (labels, 1 - labels))
    (verdict,) = make_verdicts(right, {"wrong": wrong})
    assert (verdict.word, verdict.p) == ("not significant", 1)
    assert (verdict.difference.low, verdict.difference.high) == (-1, 1)


def test_adjusted_values_lie_between_one_comparison_and_bonferroni():
    raw = np.array([0.001, 0.012, 0.04])
    alone, _ = adjust(raw, draw_maxima(np.ones((3, 3))))
    apart, level = adjust(raw, draw_maxima(np.eye(3)))
    assert alone == pytest.approx(raw, abs=0.003)
    assert apart == pytest.approx(1 - (1 - raw) ** 3, abs=0.004)
    assert (apart <= 3 * raw + 1e-12).all()
    assert level == pytest.approx(1 - 0.95 ** (1 / 3), abs=0.002)


@pytest.mark.parametrize("n_methods", [2, 4, 12])
def test_an_equal_method_is_left_out_of_the_best_in_few_comparisons(alike, n_methods):
    random = np.random.default_rng(2)

    def left_out():
        methods = alike(random, n_methods)
        return len(find_leaders(methods)) < n_methods

    assert shares(150, left_out) <= 0.06


def test_the_best_and_those_not_significantly_worse(people):
    first, second = people(np.random.default_rng(1), 0.3, 20)
    assert find_leaders({"worse": first, "better": second, "again": second}) == ["better", "again"]
    assert find_leaders({"alone": first}) == ["alone"]
    assert find_leaders({"worse": first, "also": first}) == ["worse", "also"]


@pytest.mark.parametrize("single", [True, False], ids=["one label a person", "both labels"])
def test_noise_is_seldom_above_chance(single):
    """Predictions that depend on the person and not on the label, as of a network that has learnt nothing."""
    random, n, windows = np.random.default_rng(3), 20, 30
    unit = np.repeat(np.arange(n), windows)
    labels = unit % 2 if single else np.tile([0, 1], n * windows // 2)

    def called():
        taste = random.beta(0.5, 0.5, n)
        methods = {
            str(at): Outcomes(labels, (random.random((3, len(unit))) < taste[unit]).astype(np.int64), unit, unit % 5, 2)
            for at in range(5)
        }
        return above_chance({"0": methods["0"]}, False)["0"] < ALPHA, min(above_chance(methods, False).values()) < ALPHA

    alone, any_of_five = np.mean([called() for _ in range(300)], axis=0)
    assert alone <= 0.065  # of mmbench 0.1: .24 to .41
    assert any_of_five <= 0.065  # .74 to .91


def test_what_is_known_is_above_chance_and_a_constant_is_not(people):
    _, second = people(np.random.default_rng(1), 0.1, 20)
    constant = Outcomes(second.labels, np.zeros_like(second.predictions), second.unit, second.fold, 2)
    found = above_chance({"good": second, "constant": constant}, False)
    assert found["good"] < 0.01
    assert found["constant"] == 1


def test_knowing_each_person_s_frequent_class_is_chance_within_people():
    random, n, windows = np.random.default_rng(5), 12, 40
    unit = np.repeat(np.arange(n), windows)
    share = np.where(np.arange(n) % 2, 0.8, 0.2)
    labels = (random.random(len(unit)) < share[unit]).astype(np.int64)
    frequent = (share > 0.5).astype(np.int64)[unit]
    prior = Outcomes(labels, frequent[None], unit, np.arange(len(unit)) % 5 + 5 * unit, 2)
    assert prior.ratios(METRIC).score > 0.75
    assert above_chance({"prior": prior}, within_units=False)["prior"] < 0.05
    assert above_chance({"prior": prior}, within_units=True)["prior"] == 1
    assert prior.guessing(within_units=False) == 0.5
    assert prior.guessing(within_units=True) == pytest.approx(0.68, abs=0.03)
    knowing = Outcomes(labels, np.where(random.random(len(unit)) < 0.5, labels, frequent)[None], unit, prior.fold, 2)
    assert above_chance({"knowing": knowing}, within_units=True)["knowing"] < 0.001
