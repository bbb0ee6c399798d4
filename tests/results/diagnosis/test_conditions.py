"""Scores of conditions by any metric: against direct evaluation of the predictions that the conditions stand for."""

from dataclasses import replace

import numpy as np
import pytest

from mmbench.registry import find_metric
from mmbench.results.diagnosis.predictions import Diagnosis, find_scored, make_unscored, read_diagnosis
from mmbench.results.diagnosis.scores import score_modalities
from mmbench.results.records import Record

SUBSETS = ("00", "01", "10")
NAMES = {"values": ("mae", "pearson", "spearman"), "labels": ("macro_f1", "auroc"), "class": ("mcc", "auroc")}


def make_records(kind, metric, seeds=2, folds=2, n=60, people=6):
    """Records with a diagnosis of two modalities: ``a`` tells the target with little noise, ``b`` with much."""
    run = {"kind": kind, "metric": metric, "metrics": [metric], "classes": ["x", "y", "z"]}
    records = []
    for seed in range(seeds):
        for fold in range(folds):
            random = np.random.default_rng([fold, 0])  # the same targets for each seed
            target = random.normal(size=(n, 3))
            random = np.random.default_rng([fold, 1 + seed])
            outputs = {name: target + scale * random.normal(size=target.shape)
                       for name, scale in (("11", 0.3), ("10", 0.6), ("01", 1.5), ("00", 5.0))}  # fmt: skip
            if kind == "labels":
                target = (target > 0.5).astype(np.int64)
            elif kind == "class":
                target = target.argmax(axis=1)
            stored = {name: each.argmax(axis=1) if kind == "class" else each for name, each in outputs.items()}
            shuffled = {name: tuple(stored["00"][random.permutation(n)] for _ in range(3)) for name in "ab"}
            diagnosis = Diagnosis(("a", "b"), {name: stored[name] for name in SUBSETS}, shuffled, {}, {},
                                  left_out={"a": "why", "b": "why"})  # fmt: skip
            records.append(make_record(run, fold, seed, target, outputs["11"], people, diagnosis))
    return records


def make_record(run, fold, seed, target, outputs, people, diagnosis):
    n = len(target)
    return Record(
        run=run, fold=str(fold), seed=seed, ids=tuple(f"{fold}-{at}" for at in range(n)),
        labels=tuple(target.tolist()) if target.ndim == 1 else tuple(map(tuple, target.tolist())),
        units=tuple(f"p{fold}{at % people}" for at in range(n)), logits=tuple(map(tuple, outputs.tolist())),
        scores={}, epochs={}, history=(), parameters={"total": 1, "trainable": 1}, seconds=0.0, environment={},
        diagnosis=diagnosis.to_plain(),
    )  # fmt: skip


def outputs_of(record, kind, name):
    if name == "11":
        return np.asarray(record.logits)
    return read_diagnosis(record.diagnosis, len(record.ids), 3, kind).subsets[name]


def joined(records, seed, which):
    mine = [record for record in records if record.seed == seed]
    return np.concatenate([which(record) for record in mine])


@pytest.mark.parametrize(("kind", "metric"), [(k, m) for k, names in NAMES.items() for m in names if k != "class"])
def test_subsets_are_scored_by_the_metric_of_the_run(kind, metric):
    records = make_records(kind, metric)
    found = score_modalities(records)
    assert found.metric == metric
    scorer = find_metric(metric)
    for remaining, name in (((), "00"), (("b",), "01"), (("a",), "10"), (("a", "b"), "11")):
        scores = []
        for seed in (0, 1):
            target = joined(records, seed, lambda record: np.asarray(record.labels))
            outputs = joined(records, seed, lambda record, name=name: outputs_of(record, kind, name))
            scores.append(scorer.score(target, outputs))
        assert found.subsets[remaining].mean == pytest.approx(np.mean(scores), abs=1e-5)


@pytest.mark.parametrize(("kind", "metric"), [(k, m) for k, names in NAMES.items() for m in names])
def test_shapley_values_sum_and_curves_begin_and_end_at_subsets(kind, metric):
    found = score_modalities(make_records(kind, metric))
    gain = found.subsets["a", "b"].mean - found.subsets[()].mean
    assert sum(value.mean for value in found.shapley.values()) == pytest.approx(gain)
    for name, other in (("a", "b"), ("b", "a")):
        curve = [loss.score.mean for loss in found.missing[name].values()]
        assert (curve[0], curve[-1]) == pytest.approx((found.subsets["a", "b"].mean, found.subsets[other,].mean))
    every = [loss.score.mean for loss in found.missing_all.values()]
    assert every[-1] == pytest.approx(found.subsets[()].mean)
    worse = -1 if find_metric(found.metric).higher_is_better else 1
    assert all(np.diff(every) * worse > 0)
    assert found.without["a"].change.mean * worse > found.without["b"].change.mean * worse > 0


@pytest.mark.parametrize("metric", ["pearson", "spearman"])
def test_expected_scores_with_missing_samples_agree_with_draws(metric):
    records = make_records("values", metric, seeds=1, n=2000)
    target, whole = (
        joined(records, 0, lambda record, name=name: np.asarray(getattr(record, name))) for name in ("labels", "logits")
    )
    without = joined(records, 0, lambda record: read_diagnosis(record.diagnosis, 2000, 3, "values").subsets["01"])
    random, scorer = np.random.default_rng(0), find_metric(metric)
    drawn = [scorer.score(target, np.where(random.random((len(target), 1)) < 0.5, without, whole)) for _ in range(30)]
    found = score_modalities(records).missing["a"][0.5].score.mean
    assert found == pytest.approx(np.mean(drawn), abs=4 * np.std(drawn))


def test_a_class_metric_that_needs_logits_is_replaced_by_balanced_accuracy():
    assert score_modalities(make_records("class", "auroc")).metric == "balanced_accuracy"
    assert score_modalities(make_records("class", "mcc")).metric == "mcc"


def test_outputs_survive_records_in_single_precision_and_damage_is_noticed():
    (record, *_) = make_records("values", "mae")
    outputs = read_diagnosis(record.diagnosis, 60, 3, "values").subsets["10"]
    assert outputs.shape == (60, 3)
    again = replace(read_diagnosis(record.diagnosis, 60, 3, "values"), left_out={"a": "", "b": ""}).to_plain()
    assert again["subsets"] == record.diagnosis["subsets"]
    for n_samples, n_outputs in ((59, 3), (60, 2)):
        with pytest.raises(ValueError, match="different number of outputs"):
            read_diagnosis(record.diagnosis, n_samples, n_outputs, "values")
    nothing = Diagnosis(("a", "b"), {name: np.full((60, 3), np.nan) for name in SUBSETS},
                        {name: (np.zeros((60, 3)),) for name in "ab"}, {}, {}, {"a": "", "b": ""})  # fmt: skip
    with pytest.raises(ValueError, match="not finite"):
        read_diagnosis(nothing.to_plain(), 60, 3, "values")
    with pytest.raises(ValueError, match=r"base64|padding|[Nn]on-"):
        read_diagnosis({**record.diagnosis, "subsets": dict.fromkeys(SUBSETS, "not base64!")}, 60, 3, "values")


def test_samples_without_a_shifted_window_are_told_from_those_with_one():
    for like in (np.zeros(4, dtype=np.int64), np.zeros((4, 2), dtype=np.float32)):
        found = make_unscored(like)
        found[1] = 0
        assert find_scored(found).tolist() == [False, True, False, False]
