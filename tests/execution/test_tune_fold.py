"""Tuning as a whole, on the toy dataset: what is tried, what is chosen, and what an interruption leaves."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mmbench
from mmbench.data.splits.fold import Fold
from mmbench.errors import JobError, RecordError, SpecError, StorageError
from mmbench.execution import tune_fold as tuning
from mmbench.execution.restoring import restore_model
from mmbench.registry.plugins import load_registry
from mmbench.reporting.terminal import comparison_table, render, tuning_tables
from mmbench.results.loading import compare
from mmbench.results.records import find_records, read_record
from mmbench.training.loop import predict
from mmbench.tuning.results import FoldTuning, TuningTrial, read_tuning
from mmbench.tuning.study_storage import default_storage_url

Opened = Callable[[str], AbstractContextManager[Any]]
TOY, BRITTLE = (str(Path(__file__).parents[1] / "plugins" / f"{name}_plugin.py") for name in ("toy", "brittle"))
QUICK = {"epochs": 2, "batch_size": 16}
SMALL = {"timeseries": "conv1d[dim=8,depth=1]", "vector": "mlp[dim=8,hidden=8]"}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shelf")


class Bench:
    """Commands on the toy dataset with records in one folder."""

    def __init__(self, people: Path, shelf: Path, out: Path) -> None:
        self.options: dict[str, Any] = {
            "folds": 2, "training": QUICK, "encoders": SMALL, "jobs": 1, "data": people, "cache": shelf, "out": out,
            "plugins": (TOY, BRITTLE),
        }  # fmt: skip

    def run(self, method: str = "concat", **options: Any) -> Any:
        return mmbench.run(method, "toy", **{**self.options, **options})

    def tune(self, method: str = "concat", **options: Any) -> Any:
        return mmbench.tune(method, "toy", **{**self.options, **options})


@pytest.fixture
def bench(toy_people: Path, shelf: Path, tmp_path: Path) -> Bench:
    return Bench(toy_people, shelf, tmp_path)


def timeless(result: FoldTuning) -> list[TuningTrial]:
    return [replace(trial, seconds=0.0) for trial in result.trials]


def test_the_first_trial_has_the_defaults_and_nothing_chosen_scores_below_it(bench: Bench) -> None:
    (method,) = bench.tune(tune=4).methods
    assert len(method.folds) == 2
    for fold in method.folds:
        first = fold.trials[0]
        assert (first.number, first.state) == (0, "complete")
        assert first.params["training.lr"] == 1e-3
        assert first.params["fusion.dim"] == load_registry(()).bound("fusions", mmbench_spec("concat"))["dim"]
        assert len({json.dumps(trial.params) for trial in fold.trials}) == len(fold.trials) == 4
        assert fold.chosen.rank() >= first.rank()
        assert fold.curve == sorted(fold.curve)
        assert fold.curve[-1] == fold.chosen.score
    names = {trial.number: set(trial.params) for trial in method.folds[0].trials}
    assert names[0] == names[1] >= {"fusion.pool", "encoder.signal.kernel", "training.weight_decay"}


def mmbench_spec(text: str) -> Any:
    from mmbench.registry.specs import parse_spec

    return parse_spec(text)


def test_what_the_user_gave_is_held(bench: Bench) -> None:
    (method,) = bench.tune("concat[dim=32]", tune=2, training={**QUICK, "lr": 0.01}).methods
    names = set(method.folds[0].trials[1].params)
    assert names.isdisjoint({"fusion.dim", "training.lr", "encoder.signal.dim", "encoder.signal.depth"})
    assert names >= {"fusion.dropout", "training.weight_decay", "encoder.signal.kernel", "encoder.facts.depth"}
    # Of two methods, each holds what it was given itself, and both what all were given.
    first, second = bench.tune("concat[dim=32]", against=["concat"], tune=1).methods
    assert "fusion.dim" not in first.folds[0].chosen.params
    assert "fusion.dim" in second.folds[0].chosen.params
    assert "encoder.signal.dim" not in second.folds[0].chosen.params


def test_run_trains_and_reports_the_chosen_parameters(bench: Bench) -> None:
    tuned = bench.tune(tune=3, against=["prior"])
    comparison = bench.run(tune=3, against=["prior"], seeds=2)
    concat, prior = comparison.methods
    assert [method.folder for method in tuned.methods] == [concat.folder, prior.folder]
    assert {len(record.tuning["trials"]) for record in concat.records} == {3}
    assert {len(record.tuning["trials"]) for record in prior.records} == {1}
    for fold in tuned.methods[0].folds:
        records = [record for record in concat.records if record.fold == fold.fold]
        assert [record.tuning for record in records] == [fold.to_plain()] * 2
        # The trial and the training after it are the same, epoch by epoch.
        chosen = records[0].history[fold.chosen.epoch]
        assert (chosen["validation_score"], chosen["validation_loss"]) == (fold.chosen.score, fold.chosen.loss)
    table = render(comparison_table(comparison))
    assert "tuned on the validation part of each fold, 3 tuning trials per method and fold" in table
    assert "tuning trials run: concat 3, prior 1" in table
    document = json.loads(json.dumps(comparison.to_json()))
    assert document["methods"][0]["tuning"]["trials"] == 3
    assert document["methods"][0]["folds"][0]["tuning"]["curve"] == tuned.methods[0].folds[0].curve


def test_the_model_of_a_tuned_fold_is_found_again(bench: Bench, shelf: Path) -> None:
    comparison = bench.run("brittle", tune=4, weights="keep")
    for path in find_records(comparison.methods[0].folder):
        restored = restore_model(path, shelf, (TOY, BRITTLE))
        again = predict(restored.model, restored.inputs, restored.fold.test, next(restored.model.parameters()).device)
        assert np.allclose(again, restored.record.logits)


def test_without_tuning_records_and_their_key_are_as_before(bench: Bench) -> None:
    comparison = bench.run()
    assert "tuning" not in comparison.run
    assert {record.tuning for record in comparison.methods[0].records} == {None}
    path = next(find_records(comparison.methods[0].folder))
    plain = json.loads(path.read_text())
    del plain["tuning"]
    path.write_text(json.dumps(plain))
    assert read_record(path).tuning is None
    assert "tuned" not in render(comparison_table(comparison))


def test_same_trials_with_any_number_of_jobs(toy_people: Path, shelf: Path, tmp_path: Path) -> None:
    results = [Bench(toy_people, shelf, tmp_path / str(jobs)).tune(tune=3, jobs=jobs) for jobs in (1, 2)]
    one, two = ([timeless(fold) for fold in result.methods[0].folds] for result in results)
    assert one == two


KILLED = """
import json, os, signal, sys
from pathlib import Path
import torch
import mmbench
from mmbench.execution import tune_fold as tuning

def stopping(*arguments, on_epoch, fit=tuning.fit, **options):
    global calls
    calls += 1
    def kill(epoch):
        on_epoch(epoch)
        if calls == 11:
            os.kill(os.getpid(), signal.SIGKILL)
    return fit(*arguments, on_epoch=kill, **options)

calls, tuning.fit = 0, stopping
options = json.loads(sys.argv[1])
mmbench.tune("concat", "toy", **{**options, **{name: Path(options[name]) for name in ("data", "cache", "out")}})
"""


def test_killed_study_resumes_with_the_same_result(
    toy_people: Path, shelf: Path, tmp_path: Path, opened: Opened
) -> None:
    whole = Bench(toy_people, shelf, tmp_path / "whole").tune(tune=12, tune_scope="once")
    again = Bench(toy_people, shelf, tmp_path / "again")
    options = json.dumps({**again.options, "tune": 12, "tune_scope": "once", "plugins": [TOY, BRITTLE]}, default=str)
    done = subprocess.run([sys.executable, "-c", KILLED, options], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    states = states_of_first(again.options["out"], opened)
    assert (len(states), states.count("RUNNING")) == (11, 1)
    resumed = again.tune(tune=12, tune_scope="once")
    for one, two in zip(whole.methods[0].folds, resumed.methods[0].folds, strict=True):
        assert timeless(one) == timeless(two)
    assert len(states_of_first(again.options["out"], opened)) == 13, "the trial that was killed is kept in the storage"


def states_of_first(out: Path, opened: Opened) -> list[str]:
    """What became of the trials in the study of the first fold."""
    import optuna

    (path,) = out.glob("*/*/tuning.db")
    with opened(default_storage_url(path.parent)) as storage:
        name = next(name for name in optuna.get_all_study_names(storage) if "fold 0" in name)
        return [trial.state.name for trial in optuna.load_study(study_name=name, storage=storage).trials]


def test_a_failed_trial_is_kept_with_its_error(bench: Bench) -> None:
    result = bench.tune("brittle", tune=20, tune_scope="once")
    trials = [trial for fold in result.methods[0].folds for trial in fold.trials]
    errors = {trial.params["fusion.fault"]: trial.error for trial in trials if trial.state == "failed"}
    assert errors["spec"] == "brittle[fault]: cannot be built — choose another"
    assert errors["memory"].startswith("out of memory (RuntimeError: [enforce fail]")
    assert "raises ZeroDivisionError: an oversight in two lines" in errors["bug"]
    assert "is not finite" in errors["diverges"]
    assert all(trial.params["fusion.fault"] != "none" for trial in trials if trial.state == "failed")
    assert all(fold.chosen.params["fusion.fault"] == "none" for fold in result.methods[0].folds)
    assert "failed" in render(tuning_tables(result))


def test_where_every_trial_fails_the_run_says_why(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any, **options: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(tuning, "fit", full)
    with pytest.raises(JobError, match=r"concat, fold 0: all tuning trials failed \(2\).*out of memory \(MemoryError"):
        bench.tune(tune=2)


def test_defaults_outside_their_range_are_tried_as_they_are(bench: Bench, tmp_path: Path) -> None:
    preset = tmp_path / "wide.toml"
    preset.write_text("[training]\nweight_decay = 50.0\n[fusion]\ndim = 9\n")
    (method,) = bench.tune("brittle", preset=str(preset), tune=3).methods
    for fold in method.folds:
        assert fold.trials[0].params["training.weight_decay"] == 50.0
        assert fold.trials[0].params["fusion.dim"] == 9
        assert all(2 <= trial.params["fusion.dim"] <= 6 for trial in fold.trials[1:])


def test_poor_trials_are_pruned_by_the_median_and_never_chosen(bench: Bench) -> None:
    result = bench.tune(tune=14, tune_scope="once", training={"epochs": 8, "batch_size": 16})
    trials = [trial for fold in result.methods[0].folds for trial in fold.trials]
    pruned = [trial for trial in trials if trial.state == "pruned"]
    assert pruned
    assert all(1 < trial.epochs < 8 and trial.number >= 5 for trial in pruned)


def test_tuning_once_uses_the_first_fold_and_is_noted_in_every_table(bench: Bench) -> None:
    comparison = bench.run(tune=3, tune_scope="once", against=["late"])
    for method in comparison.methods:
        assert {record.tuning["fold"] for record in method.records} == {"0"}
        assert len(list(method.folder.glob("tuning-*.json"))) == 1
    table = render(comparison_table(comparison))
    assert "TUNED ON THE FIRST FOLD ONLY (--tune-scope once)" in table
    result = bench.tune(tune=3, tune_scope="once", against=["late"])
    assert "TUNED ON THE FIRST FOLD ONLY" in render(tuning_tables(result))


def test_time_is_capped_after_the_defaults(bench: Bench) -> None:
    result = bench.tune(tune=50, tune_seconds=1e-6)
    assert {len(fold.trials) for fold in result.methods[0].folds} == {1}
    comparison = bench.run(tune=50, tune_seconds=1e-6)
    table = " ".join(render(comparison_table(comparison)).split())
    assert "50 tuning trials per method and fold, at most 1e-06 s" in table
    assert "tuning trials run: concat 1" in table


def test_nothing_of_the_test_part_is_handed_over(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Fold, Any]] = []
    fit = tuning.fit

    def watched(model: Any, inputs: Any, fold: Fold, labels: Any, *arguments: Any, **options: Any) -> Any:
        seen.append((fold, labels))
        return fit(model, inputs, fold, labels, *arguments, **options)

    monkeypatch.setattr(tuning, "fit", watched)
    bench.tune(tune=2)
    assert len(seen) == 4
    for fold, labels in seen:
        assert len(fold.test) == 0
        known = np.concatenate([fold.train, fold.validation])
        assert (labels[known] >= 0).all()
        assert set(np.flatnonzero(labels >= 0)) == set(known)
        assert len(known) < len(labels)


def test_a_fold_with_a_test_part_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmbench.execution.schedule.without_test", lambda fold: fold)
    with pytest.raises(JobError, match="ValueError: tuning must not get a test part"):
        bench.tune(tune=1)


def test_a_finished_tuning_is_read_and_a_damaged_one_is_read_from_its_study(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bench.tune(tune=2)
    path = next(first.methods[0].folder.glob("tuning-0.json"))
    text = path.read_text()
    path.write_text(text[:50])
    with pytest.raises(RecordError, match="holds no tuning results"):
        read_tuning(path)

    def untouched(*arguments: Any, **options: Any) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(tuning, "fit", untouched)
    assert bench.tune(tune=2) == first
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tune": 0}, "--tune: 0 is too few"),
        ({"tune": 2, "tune_seconds": -1}, "--tune-seconds: -1 is too few"),
        ({"tune_seconds": 5}, "--tune-seconds: nothing is tuned"),
        ({"tune_scope": "once"}, "--tune-scope: nothing is tuned"),
        ({"tune": 2, "tune_scope": "twice"}, "--tune-scope: invalid value 'twice'"),
        ({"tune": 2, "tune_storage": "mysql://here/db"}, "--tune-storage: is not a storage"),
        ({"tune": 2, "tune_storage": "sqlite:///:memory:"}, "--tune-storage: is not a storage"),
    ],
)
def test_options_that_will_not_do(bench: Bench, options: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        bench.run(**options)


def test_invalid_storage_is_refused_before_the_run(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("no database at all, " * 100)
    with pytest.raises(
        StorageError, match=r"notes\.db: the storage of tuning trials does not answer \(.*not a database"
    ):
        bench.tune(tune=1, tune_storage=f"sqlite:///{tmp_path}/notes.db")


def test_any_sign_may_be_in_the_name_of_a_folder(bench: Bench, tmp_path: Path) -> None:
    out = tmp_path / "50%20 {x} #1"
    result = bench.tune(tune=1, out=out)
    assert (result.methods[0].folder / "tuning.db").is_file()
    assert result.methods[0].folder.is_relative_to(out)


def test_table_marks_tuned_and_untuned_methods(bench: Bench, tmp_path: Path) -> None:
    tuned, plain = bench.run("brittle", tune=2), bench.run("late")
    both = compare(tmp_path, [result.methods[0].folder for result in (tuned, plain)])
    table = render(comparison_table(both))
    assert "brittle: tuned on the validation part of each fold, 2 tuning trials" in table
    assert "not tuned: late" in table


def test_methods_may_share_one_storage(bench: Bench, tmp_path: Path, opened: Opened) -> None:
    import optuna

    url = f"sqlite:///{tmp_path}/all.db"
    result = bench.tune(tune=2, against=["late"], tune_storage=url, jobs=2)
    assert result.storage == url
    with opened(url) as storage:
        names = optuna.get_all_study_names(storage)
    assert len(names) == 4
    assert sorted(fold.study for method in result.methods for fold in method.folds) == sorted(names)
    assert not list(tmp_path.glob("*/*/tuning.db"))


def test_nothing_runs_where_all_is_tuned_and_trained(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    first = bench.run(tune=2)
    monkeypatch.setattr("mmbench.execution.schedule.run_one", None)
    assert [record.logits for record in bench.run(tune=2).methods[0].records] == [
        record.logits for record in first.methods[0].records
    ]
