"""Whole runs of each kind of task: their records hold the scores that scikit-learn computes from their predictions."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

from mmbench import Schema, Task
from mmbench.conformance import check_plugin
from mmbench.data.store import Store
from mmbench.errors import RecordError, SpecError
from mmbench.execution.plan import Plan, known_labels, mask_test_labels
from mmbench.execution.restoring import find_fold, restore_model
from mmbench.execution.schedule import tune_missing
from mmbench.reporting.terminal import render, tuning_tables
from mmbench.results.loading import load_comparison
from mmbench.results.records import Record, find_records, read_record
from mmbench.training.loop import predict
from mmbench.tuning.results import read_tuning, tuning_path
from mmbench.workflows.audit.run_audit import audit
from mmbench.workflows.experiment import plan_experiment, run_request
from mmbench.workflows.request import RetrainOptions, RunSpec
from mmbench.workflows.resolve import check_request, choose_task, resolve_request
from mmbench.workflows.retrain import retrain_fold
from mmbench.workflows.tune import tune_spec

PLUGIN = str(Path(__file__).parents[1] / "plugins" / "tasks_plugin.py")
Run = Callable[..., list[Plan]]


def spec_of(folder: Path, cache: Path, task: str, method: str = "concat", **options: Any) -> RunSpec:
    quick = {"epochs": 6, "batch_size": 8, "lr": 1e-2}
    options = {"against": ("prior",), "folds": 2, "seeds": 1, "training": quick, "diagnose": "no", **options}
    return RunSpec(
        method, "three-tasks", task=task, data=folder, cache=cache, out=folder, plugins=(PLUGIN,), jobs=1, **options
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def run(tmp_path: Path, cache: Path) -> Run:
    return lambda *args, **options: run_request(
        check_request(resolve_request(spec_of(tmp_path, cache, *args, **options)))
    )


def records_of(plan: Plan) -> list[Record]:
    return [read_record(path) for path in find_records(plan.folder)]


def whole(records: list[Record]) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.concatenate([getattr(record, name) for record in records]) for name in ("labels", "logits"))


def test_values_are_predicted_in_their_units(run: Run) -> None:
    concat, prior = map(
        records_of, run("rates", metric="pearson", training={"epochs": 30, "batch_size": 8, "lr": 1e-2})
    )
    assert len(concat) == len(prior) == 2
    for record in concat:
        assert (record.run["kind"], record.run["metric"]) == ("values", "pearson")
        y, p = np.array(record.labels), np.array(record.logits)
        expected = {
            "mae": sk.mean_absolute_error(y, p),
            "rmse": sk.root_mean_squared_error(y, p),
            "r2": sk.r2_score(y, p),
            "pearson": np.mean([np.corrcoef(y[:, at], p[:, at])[0, 1] for at in range(2)]),
        }
        assert record.scores["chosen"] == pytest.approx(expected)
        history = [epoch["validation_score"] for epoch in record.history]
        assert record.epochs["chosen"] == int(np.argmax(history))
        assert record.scores["oracle"]["pearson"] >= max(record.scores[name]["pearson"] for name in ("chosen", "last"))
    assert sk.r2_score(*whole(concat)) > 0.5
    for record in prior:
        assert len(set(record.logits)) == 1
        assert record.logits[0] == pytest.approx((70, 15), abs=4)


def test_the_lowest_error_chooses_the_epoch(run: Run) -> None:
    for record in records_of(run("rates", against=())[0]):
        history = [epoch["validation_score"] for epoch in record.history]
        assert record.epochs["chosen"] == int(np.argmin(history))
        assert record.scores["oracle"]["mae"] <= min(record.scores[name]["mae"] for name in ("chosen", "last"))


def test_several_labels_are_predicted_at_once(run: Run) -> None:
    concat, prior = map(records_of, run("tags"))
    for record in concat:
        truth, outputs = np.array(record.labels), np.array(record.logits)
        expected = {
            "macro_f1": sk.f1_score(truth, outputs > 0, average="macro", zero_division=np.nan),
            "micro_f1": sk.f1_score(truth, outputs > 0, average="micro"),
            "mean_average_precision": sk.average_precision_score(truth, outputs, average="macro"),
            "exact_match": sk.accuracy_score(truth, outputs > 0),
        }
        assert record.scores["chosen"] == pytest.approx(expected)
    assert sk.average_precision_score(*whole(concat), average="macro") > 0.7
    truth = np.concatenate([record.labels for record in prior])
    shares = 1 / (1 + np.exp(-np.mean([record.logits[0] for record in prior], axis=0)))
    assert shares == pytest.approx(truth.mean(axis=0), abs=0.12)


def test_classes_by_another_metric(run: Run) -> None:
    (plan,) = run("level", metric="mcc", against=())
    for record in records_of(plan):
        predicted = np.array(record.logits).argmax(axis=1)
        assert (record.predictions == predicted).all()
        assert record.scores["chosen"]["mcc"] == pytest.approx(sk.matthews_corrcoef(record.labels, predicted))
        assert set(record.scores["last"]) == {"balanced_accuracy", "accuracy", "macro_f1", "mcc"}
        best = max(epoch["validation_score"] for epoch in record.history)
        assert record.history[record.epochs["chosen"]]["validation_score"] == best


def test_a_class_task_with_defaults_is_described_as_ever(run: Run) -> None:
    default, mcc, same = (
        run("level", against=(), **more)[0] for more in ({}, {"metric": "mcc"}, {"metric": "balanced_accuracy"})
    )
    assert {"kind", "metric", "metrics"}.isdisjoint(default.run)
    assert mcc.run["metric"] == "mcc"
    assert default.folder == same.folder != mcc.folder
    assert list(records_of(default)[0].scores["chosen"]) == ["accuracy", "balanced_accuracy", "macro_f1"]


def test_a_task_brings_its_metrics(run: Run) -> None:
    (record, _) = records_of(run("mood", against=())[0])
    assert record.run["metric"] == "acc7"
    assert set(record.scores["chosen"]) == {"acc2_non0", "mae", "acc7"}
    assert {len(row) for row in (*record.labels, *record.logits)} == {1}


def test_samples_without_a_label_are_in_no_part(run: Run) -> None:
    concat, _ = run("tags")
    tested = [sample for record in records_of(concat) for sample in record.ids]
    assert len(tested) == 66
    assert not any(sample.endswith("-8") for sample in tested)


def test_a_restored_model_predicts_the_same(run: Run, cache: Path) -> None:
    (plan,) = run("rates", against=())
    for path in find_records(plan.folder):
        restored = restore_model(path, cache, (PLUGIN,))
        outputs = predict(restored.model, restored.inputs, restored.fold.test, torch.device("cpu"))
        assert outputs.tolist() == [list(row) for row in read_record(path).logits]


@pytest.mark.parametrize("task", ["rates", "tags"])
def test_a_fold_is_trained_again_to_the_same_bits(run: Run, cache: Path, tmp_path: Path, task: str) -> None:
    (plan,) = run(task, against=())
    options = RetrainOptions(tmp_path, cache, jobs=1, plugins=(PLUGIN,))
    again = retrain_fold(next(find_records(plan.folder)), options, tmp_path / "again")
    assert again.line == "bitwise identical"


def test_test_labels_are_hidden(run: Run, cache: Path) -> None:
    for task in ("rates", "tags", "level"):
        (plan,) = run(task, against=())
        store = Store(plan.store)
        fold = find_fold(plan.folder.parent / "folds.json", "0", store)
        labels = store.labels(task)
        for seen in (known_labels(store, task, fold), mask_test_labels(labels, fold)):
            part = seen[fold.test]
            assert np.isnan(part).all() if task == "rates" else (part == -1).all()
            np.testing.assert_array_equal(seen[fold.train], labels[fold.train])


def test_a_tuning_says_which_metric_and_which_way(tmp_path: Path, cache: Path) -> None:
    options = spec_of(tmp_path, cache, "rates", against=(), tune=2)
    tuned = tune_spec(options)
    text = render(tuning_tables(tuned))
    assert "default, best: MAE on the validation part" in text
    assert "lower is better" in text
    assert tuned.to_json()["metric"] == "mae"


def test_tuning_chooses_the_lowest_error(tmp_path: Path, cache: Path) -> None:
    request = check_request(resolve_request(spec_of(tmp_path, cache, "rates", against=(), tune=4)))
    experiment = plan_experiment(request)
    plan, folds = experiment.plans[0], experiment.setup.folds
    tune_missing([plan], folds, jobs=1)
    for fold in folds:
        tuning = read_tuning(tuning_path(plan.folder, fold.name))
        complete = [trial.score for trial in tuning.trials if trial.state == "complete"]
        assert tuning.chosen.score == min(complete)
        assert tuning.curve == sorted(tuning.curve, reverse=True)
        assert tuning.lower_is_better


def test_metrics_that_do_not_apply_stop_before_anything_is_prepared(tmp_path: Path, cache: Path) -> None:
    for task, metric in (("rates", "accuracy"), ("level", "mae"), ("tags", "balanced_accuracy")):
        with pytest.raises(SpecError, match=f"^--metric: {metric} does not apply"):
            resolve_request(spec_of(tmp_path, cache, task, metric=metric))
    with pytest.raises(SpecError, match="no metric 'pearsn' — did you mean 'pearson'"):
        resolve_request(spec_of(tmp_path, cache, "rates", metric="pearsn"))


@pytest.mark.parametrize(("name", "value"), [("label_smoothing", 0.1), ("class_weights", False)])
def test_settings_that_would_change_nothing_are_refused(tmp_path: Path, cache: Path, name: str, value: Any) -> None:
    with pytest.raises(SpecError, match=f"^--training {name}={value}: does not apply to a task of values"):
        resolve_request(spec_of(tmp_path, cache, "rates", training={name: value}))
    resolve_request(spec_of(tmp_path, cache, "tags", training={name: value}))


OWN_METRIC = """
import numpy as np
from mmbench import Metric, hookimpl

class Close(Metric):
    \"\"\"Share of samples within a distance of the target.\"\"\"

    name = "close"
    title = "close"
    kinds = ("values",)

    def __init__(self, *, distance: float = DISTANCE) -> None:
        self.distance = distance

    def tally(self, target, outputs):
        return np.column_stack([np.ones(len(target)), (np.abs(target - outputs) < self.distance).all(axis=1)])

    def from_sums(self, sums):
        return sums[..., 1] / sums[..., 0]

@hookimpl
def register_metrics(register):
    register(Close)
"""


def test_a_metric_of_a_plugin_decides_and_its_code_is_part_of_the_key(tmp_path: Path, cache: Path) -> None:
    folders = []
    for distance in ("5.0", "6.0"):
        own = tmp_path / distance / "own.py"
        own.parent.mkdir()
        own.write_text(OWN_METRIC.replace("DISTANCE", distance))
        spec = spec_of(tmp_path, cache, "rates", against=(), metric="close")
        (plan,) = run_request(check_request(resolve_request(replace(spec, plugins=(PLUGIN, str(own))))))
        folders.append(plan.folder)
        for record in records_of(plan):
            apart = np.abs(np.array(record.labels) - record.logits) < float(distance)
            assert record.scores["chosen"]["close"] == pytest.approx(apart.all(axis=1).mean())
        assert load_comparison(plan.folder).methods[0].scoring.metric == "close"  # a record holds no path of a plugin
    assert folders[0] != folders[1]
    assert [check.run() for check in check_plugin(str(own)) if not check.run().ok] == []


@pytest.mark.parametrize(
    ("task", "why"),
    [
        (Task("class", ("only",)), "task t has fewer than two classes"),
        (Task("labels", ()), "task t has fewer than one label"),
        (Task("values", ()), "task t has fewer than one target"),
        (None, "the dataset has no task"),
    ],
)
def test_a_task_that_nobody_can_learn_is_refused(task: Task | None, why: str) -> None:
    with pytest.raises(SpecError, match=f"^--task: {why}"):
        choose_task(Schema((), {} if task is None else {"t": task}), None)


@pytest.mark.parametrize(("task", "made_from"), [("rates", "thirds of heart"), ("tags", "the label b, true or not")])
def test_labels_and_values_are_audited_by_classes_made_from_them(
    tmp_path: Path, cache: Path, task: str, made_from: str
) -> None:
    found = audit("concat", "three-tasks", task=task, protocol="subject", data=tmp_path, cache=cache, plugins=(PLUGIN,))
    assert found.made_from == made_from
    assert found.protocols[0].probe.score > 0.5


@pytest.mark.parametrize(
    ("task", "name", "value", "message"),
    [
        ("rates", "labels", [float("inf"), 1.0], "labels that are not finite numbers"),
        ("rates", "labels", [1.0], "differ in width"),
        ("rates", "labels", 1, "valid integer"),
        ("rates", "logits", [1.0, float("nan")], "not one finite number per target"),
        ("tags", "labels", [0, 1, 2], "labels that are not 0 or 1"),
        ("tags", "logits", [0.0, 0.0], "not one finite number per label"),
        ("level", "labels", 3, "a label that is not a class"),
        ("level", "labels", [0], "valid integer"),
    ],
)
def test_damaged_records_are_told(run: Run, task: str, name: str, value: Any, message: str) -> None:
    path = next(find_records(run(task, "prior", against=())[0].folder))
    plain = json.loads(path.read_text())
    plain[name][1] = value
    path.write_text(json.dumps(plain))
    with pytest.raises(RecordError, match=message):
        read_record(path)
