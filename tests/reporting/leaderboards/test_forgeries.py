"""Records that were edited by hand: each kind is distinguished from rounding on another machine."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import mmbench
from mmbench.cli.app import app
from mmbench.errors import RecordError
from mmbench.reporting.leaderboards import load_board
from mmbench.reporting.leaderboards.building import build_leaderboards
from mmbench.reporting.leaderboards.consistency import check_board
from mmbench.reporting.leaderboards.verification import verify_leaderboards
from mmbench.results.consistency import find_contradictions, find_repeated
from mmbench.results.loading import load_method
from mmbench.results.records import Record, find_records, read_record, record_path, write_record
from mmbench.training.metrics import score_all
from mmbench.workflows.request import RetrainOptions
from mmbench.workflows.retrain import RetrainedFold, retrain_fold

BOARD = "mfeat/pooled-segment/digit"
SKILL = {"accuracy": 0.99, "balanced_accuracy": 0.99, "macro_f1": 0.99}


def folder_of(root: Path, method: str) -> Path:
    return next((root / BOARD).glob(f"{method}-*"))


def first_record(root: Path, method: str = "concat") -> Path:
    return record_path(folder_of(root, method), "0", 0)


def with_logits(record: Record, logits: Any) -> Record:
    """Other predictions, and all scores that follow from them."""
    scores = score_all(np.array(record.labels), np.asarray(logits).argmax(axis=1), len(logits[0]))
    # One epoch, so that no history has to be made up.
    return replace(
        record,
        logits=tuple(map(tuple, np.asarray(logits).tolist())),
        scores=dict.fromkeys(record.scores, scores),
        epochs=dict.fromkeys(record.epochs, 0),
        history=record.history[:1],
    )


def corrected(record: Record, number: int) -> Record:
    """So many wrong predictions made right, as little as it takes, and the scores that follow."""
    logits, labels = np.array(record.logits), np.array(record.labels)
    for row in np.flatnonzero(logits.argmax(axis=1) != labels)[:number]:
        logits[row, labels[row]] = logits[row].max() + 1e-4
    scores = score_all(labels, logits.argmax(axis=1), logits.shape[1])
    same = {record.epochs["chosen"], record.epochs["oracle"]}  # no epoch scores better than the forged one
    chosen = {name for name, epoch in record.epochs.items() if epoch in same}
    changed = {name: scores if name in chosen else old for name, old in record.scores.items()}
    return replace(record, logits=tuple(map(tuple, logits.tolist())), scores=changed)


def elsewhere(record: Record) -> Record:
    """The same record, by its word from another processor."""
    return replace(record, environment={**record.environment, "cpu": "another"})


@pytest.fixture
def again(home: Path, tmp_path: Path) -> Callable[[Path], RetrainedFold]:
    return lambda path: retrain_fold(path, RetrainOptions(None, home / "cache", 1), tmp_path / "again")


def forge_scores(record: Record) -> Record:
    return replace(record, scores={**record.scores, "chosen": {**record.scores["chosen"], "accuracy": 0.99}})


def forge_all_scores(record: Record) -> Record:
    return replace(record, scores=dict.fromkeys(record.scores, SKILL))


def forge_label(record: Record) -> Record:
    """A wrong prediction becomes right by its label."""
    wrong = int(np.flatnonzero(record.predictions != np.array(record.labels))[0])
    labels = (*record.labels[:wrong], int(record.predictions[wrong]), *record.labels[wrong + 1 :])
    return replace(record, labels=labels)


def forge_oracle(record: Record) -> Record:
    return replace(record, scores={**record.scores, "oracle": {**record.scores["oracle"], "accuracy": 0.123}})


def forge_epoch(record: Record) -> Record:
    """The epoch that did not do best on validation is called the chosen one."""
    return replace(record, epochs={**record.epochs, "chosen": 1 - record.epochs["chosen"]})


def forge_history(record: Record) -> Record:
    return replace(record, history=(*record.history, record.history[-1]))


@pytest.mark.parametrize(
    ("forge", "says"),
    [
        (forge_scores, "accuracy is recorded as 0.990000, its predictions give 0."),
        (forge_all_scores, "accuracy is recorded as 0.990000"),
        (forge_label, "is recorded as"),
        (forge_oracle, "oracle"),
        (forge_epoch, "its history gives epoch"),
        (forge_history, "its history has 3 epochs, its last epoch is number 2"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused_everywhere(
    root: Path, home: Path, forge: Callable[[Record], Record], says: str
) -> None:
    path = first_record(root)
    write_record(path, forge(read_record(path)))
    with pytest.raises(RecordError, match="contradicts itself") as caught:
        load_method(path.parent)
    assert says in caught.value.line
    assert caught.value.where == str(path)
    shown = CliRunner().invoke(app, ["show", str(path.parent)])
    reported = CliRunner().invoke(app, ["report", str(path.parent), "--out", str(root / "page"), "--no-explain"])
    for result in (shown, reported):
        assert isinstance(result.exception, RecordError)
        assert says in result.exception.line
    (fault,) = verify_leaderboards(root, 0, 0, RetrainOptions(None, home / "cache", 1), {}).faults
    assert says in fault


def test_records_of_real_runs_contradict_nothing(comparison: Any) -> None:
    for method in comparison.methods:
        assert [line for record in method.records for line in find_contradictions(record)] == []
        assert list(find_repeated(method.records)) == []


def test_labels_are_compared_with_the_prepared_data(root: Path, home: Path) -> None:
    """All records of the board have the same forged label, so that they agree with each other."""
    for folder in ("concat", "prior"):
        path = first_record(root, folder)
        record = read_record(path)
        labels = (int((record.labels[0] + 1) % 10), *record.labels[1:])
        write_record(path, with_logits(replace(record, labels=labels), record.logits))
    faults = check_board(load_board(root / BOARD), home / "cache")
    assert [fault.split(": ")[1] for fault in faults] == [
        f"1 label differs from the prepared data, the first that of sample {record.ids[0]}"
    ] * 2
    assert check_board(load_board(root / BOARD), home / "elsewhere") == []
    shown = CliRunner().invoke(app, ["show", str(root / BOARD), "--cache", str(home / "cache")])
    assert isinstance(shown.exception, RecordError)
    assert "differs from the prepared data" in shown.exception.line


def test_swapped_samples_are_not_the_test_part(root: Path, home: Path) -> None:
    for method in ("concat", "prior"):
        path = first_record(root, method)
        record = read_record(path)
        columns: Mapping[str, Any] = {name: getattr(record, name)[::-1] for name in ("ids", "labels", "units")}
        write_record(path, with_logits(replace(record, **columns), record.logits))
    faults = check_board(load_board(root / BOARD), home / "elsewhere")
    assert [fault.split(": ")[1] for fault in faults] == ["its samples are not the test part of its fold"] * 2


def test_a_copied_fold_is_found(root: Path) -> None:
    one, other = (read_record(record_path(folder_of(root, "concat"), fold, 0)) for fold in ("0", "1"))
    copied = with_logits(other, one.logits)
    assert list(find_repeated([one, copied])) == ["fold 1, seed 0 has exactly the logits of fold 0, seed 0"]
    assert "is tested in fold 0 and in fold 1" in next(find_repeated([one, replace(one, fold="1")]))


def test_a_copied_seed_is_found_by_its_time_and_by_training_again(
    root: Path, home: Path, again: Callable[[Path], RetrainedFold]
) -> None:
    path = first_record(root)
    for record in map(read_record, list(find_records(path.parent))):
        write_record(record_path(path.parent, record.fold, 1), replace(record, seed=1))
    first, second = check_board(load_board(root / BOARD), home / "elsewhere")
    assert first.endswith("fold 0: seed 1 has the same logits as seed 0, bit for bit")
    assert "fold 1" in second
    target = record_path(path.parent, "0", 1)
    write_record(target, elsewhere(replace(read_record(target), seconds=1.0)))
    repeated = again(target)
    assert not repeated.is_alike
    assert "DIFFERENT: logits differ by" in repeated.line


def test_a_run_under_another_name_is_found(root: Path, home: Path) -> None:
    source, target = folder_of(root, "concat"), root / BOARD / "late-0123456789"
    shutil.copytree(source, target)
    for path in find_records(target):
        record = read_record(path)
        run = {**record.run, "method": "late", "fusion": {**record.run["fusion"], "name": "late"}}
        write_record(path, replace(record, run=run, parameters={**record.parameters, "total": 5}))
    (fault,) = check_board(load_board(root / BOARD), home / "elsewhere")
    assert "has the same logits as" in fault


def test_nine_corrected_predictions_are_no_rounding(root: Path, again: Callable[[Path], RetrainedFold]) -> None:
    """On this kind of machine no bit may differ; on another, logits by no more than noise of its size makes them."""
    path = first_record(root)
    record = read_record(path)
    forged = corrected(record, 9)
    assert list(find_contradictions(forged)) == []
    write_record(path, forged)
    found = again(path)
    assert found.rounding is None
    assert not found.is_alike
    assert "its logits differ (9 predictions changed), but the record is of this kind of machine" in found.line
    write_record(path, elsewhere(forged))
    found = again(path)
    assert found.rounding is not None
    assert found.rounding.changed == 9
    assert not found.is_alike


def test_what_another_machine_rounds_differently_passes(root: Path, again: Callable[[Path], RetrainedFold]) -> None:
    path = first_record(root)
    record = read_record(path)
    noise = np.random.default_rng(0).normal(scale=1e-6, size=np.shape(record.logits))
    rounded = tuple(map(tuple, (np.array(record.logits) + noise).tolist()))
    write_record(path, elsewhere(replace(record, logits=rounded)))
    found = again(path)
    assert found.is_alike
    assert found.line.startswith("equal up to rounding of another machine: logits differ by")


def test_an_oracle_that_was_made_up_is_no_rounding(root: Path, again: Callable[[Path], RetrainedFold]) -> None:
    path = first_record(root)
    record = read_record(path)
    labels = np.array(record.labels)
    ideal = score_all(labels, labels, 10)
    epochs = {"chosen": record.epochs["chosen"], "last": 1, "oracle": 1 - record.epochs["chosen"]}
    scores = {**record.scores, "oracle": ideal}
    if epochs["oracle"] == 1:
        scores["last"] = ideal
    write_record(path, elsewhere(replace(record, epochs=epochs, scores=scores)))
    assert "scores of the last and the oracle epoch differ by" in again(path).line


def test_pages_of_forged_records_are_not_built(root: Path) -> None:
    path = first_record(root)
    write_record(path, forge_scores(read_record(path)))
    with pytest.raises(RecordError, match="contradicts itself"):
        build_leaderboards(root)


def test_a_run_refuses_records_that_were_changed(tmp_path: Path, home: Path) -> None:
    options: dict[str, Any] = {"folds": 2, "modalities": ["mor"], "training": {"epochs": 1}, "jobs": 1}
    done = mmbench.run("linear", "mfeat", out=tmp_path, cache=home / "cache", **options)
    path = next(find_records(done.methods[0].folder))
    plain = json.loads(path.read_text())
    plain["scores"]["chosen"]["balanced_accuracy"] = 0.999
    path.write_text(json.dumps(plain))
    with pytest.raises(RecordError, match=r"balanced_accuracy is recorded as 0\.999000"):
        mmbench.run("linear", "mfeat", out=tmp_path, cache=home / "cache", **options)
