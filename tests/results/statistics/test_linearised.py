"""Linearised scores of any metric: against explicit jackknives, ratios and the formulas of means."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench import Metric
from mmbench.registry import find_metric
from mmbench.results.statistics import (
    Outcomes,
    above_chance,
    difference_intervals,
    find_leaders,
    make_verdicts,
    score_intervals,
)
from mmbench.results.statistics.intervals import LARGEST
from mmbench.results.statistics.linearised import group_units, linearise_whole

VALUES = ("mae", "rmse", "r2", "pearson", "ccc")


class NamedMacroF1(Metric):
    """Macro F1 of classes without ratios of its own."""

    name = "same_f1"
    title = "macro F1"
    kinds = ("class",)

    def tally(self, target, outputs):
        return find_metric("macro_f1").tally(target, outputs)

    def from_sums(self, sums):
        return find_metric("macro_f1").from_sums(sums)


class NotWithoutTheFirst(Metric):
    """A mean that is not a number unless the sample with target 0 is among them."""

    name = "partial"
    title = "partial"
    kinds = ("values",)
    additive = False

    def score(self, target, outputs):
        return float(outputs.mean()) if (target == 0).any() else float("nan")


def make_values(seed=0, people=12, windows=15, seeds=2, noise=1.0, metric="mae", unit_of_data=1.0, n_folds=4):
    """Two values, predicted with ``noise``; people differ in their means and in how well they are predicted."""
    random = np.random.default_rng(seed)
    unit = np.repeat(np.arange(people), windows)
    target = random.normal(size=(len(unit), 2)) + random.normal(size=(people, 2))[unit]
    ease = random.uniform(0.5, 1.5, people)[unit][:, None]
    outputs = target + noise * ease * random.normal(size=(seeds, *target.shape))
    metrics = {name: find_metric(name) for name in (*VALUES, "spearman")}
    return Outcomes(
        unit_of_data * target, unit_of_data * outputs, unit, unit % n_folds, 2, kind="values", metric=metric,
        metrics=metrics,
    )  # fmt: skip


def make_labels(seed=0, people=12, windows=15, seeds=2, metric="macro_f1"):
    random = np.random.default_rng(seed)
    unit = np.repeat(np.arange(people), windows)
    target = (random.random((len(unit), 3)) < np.array([0.5, 0.3, 0.1])).astype(np.int64)
    outputs = 1.5 * (2 * target - 1) + 2 * random.normal(size=(seeds, *target.shape))
    metrics = {name: find_metric(name) for name in ("macro_f1", "micro_f1", "exact_match", "auroc")}
    return Outcomes(target, outputs, unit, unit % 4, 3, kind="labels", metric=metric, metrics=metrics)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from((*VALUES, "spearman")))
def test_contributions_sum_to_the_distance_of_each_seed_from_the_mean(seed, metric):
    outcomes = make_values(seed, people=6, seeds=3)
    found = outcomes.linearise(metric)
    sums = found.residuals().sum(axis=(1, 2))
    assert sums.sum() == pytest.approx(0, abs=1e-6)
    scores = np.array([outcomes.metrics[metric].score(outcomes.labels, each) for each in outcomes.predictions])
    assert found.score == pytest.approx(scores.mean())
    assert sums == pytest.approx(scores - scores.mean(), abs=0.2 * np.ptp(scores) + 1e-6)


@pytest.mark.parametrize("metric", VALUES)
def test_additive_contributions_agree_with_leaving_people_out(metric):
    outcomes = make_values(people=60, seeds=1)
    found = outcomes.linearise(metric).residuals()[0, :, 0]
    of_whole = linearise_whole(
        outcomes.metrics[metric], outcomes.labels, outcomes.predictions, outcomes.unit, outcomes.fold
    )
    assert np.corrcoef(found, of_whole.residuals()[0, :, 0])[0, 1] > 0.999
    assert np.sum(found**2) == pytest.approx(np.sum(of_whole.residuals() ** 2), rel=0.05)


def test_the_interval_of_a_mean_absolute_error_is_that_of_a_mean():
    outcomes = make_values(people=20, seeds=1, n_folds=20)
    errors = np.abs(outcomes.predictions[0] - outcomes.labels).mean(axis=1).reshape(20, -1).mean(axis=1)
    interval = score_intervals(outcomes)["mae"]
    reach = 2.0930 * np.sqrt(2) * errors.std(ddof=1) / np.sqrt(20)  # t of 19 degrees, overlap factor 1
    assert (interval.mean, interval.low) == pytest.approx((errors.mean(), errors.mean() - reach), rel=1e-4)


def test_linearised_and_exact_ratios_of_classes_agree():
    random = np.random.default_rng(1)
    labels, unit = random.integers(0, 3, 300), np.repeat(np.arange(15), 20)
    predictions = np.where(random.random((2, 300)) < 0.6, labels, random.integers(0, 3, (2, 300)))
    metrics = {"macro_f1": find_metric("macro_f1"), "same_f1": NamedMacroF1()}
    outcomes = Outcomes(labels, predictions, unit, unit % 5, 3, metrics=metrics)
    exact, general = (score_intervals(outcomes)[name] for name in metrics)
    assert general.mean == pytest.approx(exact.mean)
    assert (general.low, general.high) == pytest.approx((exact.low, exact.high), abs=0.01)


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_moments_far_from_zero_lose_no_contributions(offset):
    outcomes = make_values(seeds=1)
    moved = replace(outcomes, labels=outcomes.labels + offset, predictions=outcomes.predictions + offset)
    for metric in VALUES:
        there, here = (each.linearise(metric).residuals() for each in (moved, outcomes))
        assert there == pytest.approx(here, abs=1e-4)


@pytest.mark.parametrize("unit_of_data", [1e-7, 1.0, 1e6])
def test_verdicts_do_not_depend_on_the_unit_of_the_data(unit_of_data):
    good, bad = (make_values(seed=3, noise=noise, unit_of_data=unit_of_data) for noise in (0.5, 1.5))
    bad = replace(bad, labels=good.labels)
    (verdict,) = make_verdicts(good, {"bad": bad})
    (plain,) = make_verdicts(make_values(seed=3, noise=0.5), {"bad": make_values(seed=3, noise=1.5)})
    assert (verdict.word, verdict.p, verdict.effect) == pytest.approx((plain.word, plain.p, plain.effect))
    assert verdict.difference.mean == pytest.approx(plain.difference.mean * unit_of_data)
    assert verdict.difference.low == pytest.approx(plain.difference.low * unit_of_data)


def test_lower_errors_are_better_and_higher_correlations_too():
    for metric, sign in (("mae", -1), ("r2", 1), ("spearman", 1)):
        good, bad = (make_values(seed=4, noise=noise, metric=metric) for noise in (0.5, 1.5))
        (verdict,) = make_verdicts(good, {"bad": bad})
        assert verdict.word == "significantly better"
        assert sign * verdict.difference.mean > 0
        assert sign * verdict.effect > 0
        assert make_verdicts(bad, {"good": good})[0].word == "significantly worse"
        assert find_leaders({"bad": bad, "good": good}) == ["good"]
        assert make_verdicts(good, {"same": good})[0].word == "identical"


def test_bounds_hold_intervals_of_scores_and_differences():
    few = make_values(people=3, windows=4, noise=0.3)
    for name, interval in score_intervals(few).items():
        least, most = few.metrics[name].bounds
        assert least <= interval.low <= interval.mean <= interval.high <= most, name
    perfect = replace(few, predictions=np.stack([few.labels] * 2))
    found = score_intervals(perfect)
    assert (found["mae"].low, found["mae"].mean, found["mae"].high) == (0, 0, 0)
    assert found["pearson"].high == pytest.approx(1)
    assert found["pearson"].low < 0.5, "three people say little, however good"
    alone = make_values(people=1)
    assert score_intervals(alone)["mae"].high == LARGEST
    assert difference_intervals(alone, replace(alone, predictions=alone.predictions + 1))["pearson"].high <= 2


def test_chance_is_tested_where_a_metric_has_a_level():
    random = np.random.default_rng(5)
    known, labels = make_values(metric="pearson"), make_labels(metric="auroc")
    noise = replace(known, predictions=random.normal(size=known.predictions.shape))
    found = above_chance({"known": known, "noise": noise}, within_units=False)
    assert found["known"] < 0.01 < 0.05 < found["noise"]
    assert above_chance({"known": known}, within_units=True) == {}
    assert above_chance({"": make_values(metric="mae")}, within_units=False) == {}
    assert above_chance({"": labels}, within_units=False)[""] < 0.01


def test_a_score_that_is_not_defined_without_a_unit_has_no_interval_and_no_test():
    outcomes = make_values(people=5, seeds=1)
    target = np.ones_like(outcomes.labels)
    target[outcomes.unit == 0] = 0
    predictions, metrics = np.full((1, *target.shape), 0.4), {"partial": NotWithoutTheFirst()}
    partial = replace(outcomes, labels=target, predictions=predictions, metrics=metrics, metric="partial")
    interval = score_intervals(partial)["partial"]
    assert (interval.low, interval.mean, interval.high) == (0, pytest.approx(0.4), 1)
    other = replace(partial, predictions=partial.predictions + np.linspace(0, 0.1, len(target))[:, None])
    (verdict,) = make_verdicts(partial, {"other": other})
    assert (verdict.word, verdict.p, verdict.difference.low, verdict.difference.high) == ("not significant", 1, -1, 1)


def test_units_without_a_score_do_not_count_in_the_effect():
    one, other = (make_labels(seed, metric="auroc") for seed in (1, 2))
    other = replace(other, labels=one.labels)
    scores = one.unit_scores
    assert scores.shape == (12,)
    assert np.isfinite(make_verdicts(one, {"other": other})[0].effect)


@pytest.mark.parametrize("folds", ["within", "across"])
def test_groups_are_as_large_as_one_another_and_keep_folds_apart(folds):
    unit = np.repeat(np.arange(1003), 3)
    fold = unit % 5 if folds == "within" else np.tile(np.arange(3), 1003)
    group = group_units(unit, fold, 100)
    assert len(np.unique(group)) == pytest.approx(100, abs=3)
    assert np.ptp([len(np.unique(unit[group == each])) for each in range(group.max() + 1)]) <= 1
    assert all(len(np.unique(group[unit == each])) == 1 for each in range(0, 1003, 97))
    if folds == "within":
        assert all(len(np.unique(fold[group == each])) == 1 for each in range(group.max() + 1))


def test_few_units_are_their_own_groups():
    unit = np.repeat(np.arange(20), 3)
    assert group_units(unit, unit % 5, 100) is unit


def test_memory_grows_with_units_not_with_samples_times_draws():
    outcomes = make_labels(people=40, windows=2500, seeds=1, metric="macro_f1")
    tracemalloc.start()
    score_intervals(replace(outcomes, metrics={"macro_f1": outcomes.metrics["macro_f1"]}))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * len(outcomes.labels) * 8, "a few numbers a sample"
