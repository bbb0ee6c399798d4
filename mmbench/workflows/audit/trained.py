"""The method itself under a protocol: its records, and trainings on labels by lot."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mmbench.data import Fold, Store
from mmbench.errors import RecordError
from mmbench.execution import (
    Channel,
    Job,
    Plan,
    build_model,
    call,
    closed_to,
    hide_test,
    make_inputs,
    one_job,
    run_missing,
    teller,
    work_off,
)
from mmbench.integrity import guarded
from mmbench.results import Failure, MethodResult, find_failures, load_method, record_path
from mmbench.storage import digest, load_object, write_text
from mmbench.training import Epoch, balanced_accuracy, confusion_matrix, fit
from mmbench.workflows.audit.control import Control, judge_lots
from mmbench.workflows.audit.lots import Lots
from mmbench.workflows.audit.result import Examined
from mmbench.workflows.run import Layout

Index = NDArray[np.int64]

_METRIC = "balanced_accuracy"
_SEED = 0


def train_method(layout: Layout, lots: Lots, seeds: int, jobs: int, cluster: str | None = None) -> None:
    """Train the method on its true labels and on each draw, but for what was trained before."""
    run_missing(layout.plans, layout.folds, seeds, jobs, cluster)
    plan, n_classes = layout.plans[0], len(layout.plans[0].run["classes"])
    tasks = [
        (Job(plan, fold, number, path), labels)
        for kind, draws in _kinds(lots)
        for number, labels in enumerate(_over_all(layout, draws))
        for fold in layout.folds
        if _read(path := _path(plan, kind, fold, number), labels[fold.test], n_classes) is None
    ]
    if tasks:
        work_off(_train_on_lots, tasks, jobs, f"{plan.recipe.label}, {plan.run['protocol']}: labels by lot", cluster)


def find_failed(layout: Layout) -> tuple[Failure, ...]:
    """The trainings that failed, on the true labels and on labels by lot."""
    folder = layout.plans[0].folder
    return tuple(failure for each in (folder, *_folders(folder).values()) for failure in find_failures(each))


def examine_method(layout: Layout, lots: Lots, seeds: int) -> Examined | None:
    """What the method scored by its records, and its control by the draws it was trained on; None without records."""
    method = _find_method(layout, seeds)
    if method is None:
        return None
    score = method.scores[_METRIC].mean
    whole, dealt = (_score_lots(layout, kind, draws) for kind, draws in _kinds(lots))
    control = judge_lots(whole, dealt, len(layout.rows)) if len(whole) and len(dealt) else Control(0)
    return Examined(score, score + method.gap("oracle"), control)


def _kinds(lots: Lots) -> tuple[tuple[str, Index], ...]:
    return ("whole", lots.whole), ("dealt", lots.dealt)


def _folders(folder: Path) -> dict[str, Path]:
    return {kind: folder / "lots" / kind for kind in ("whole", "dealt")}


def _find_method(layout: Layout, seeds: int) -> MethodResult | None:
    try:
        method = load_method(layout.plans[0].folder, seeds)
    except RecordError:
        return None
    complete = method.missing == 0 and len(method.records) == seeds * len(layout.folds)
    return method if complete else None


def _score_lots(layout: Layout, kind: str, draws: Index) -> NDArray[np.float64]:
    """Balanced accuracies of the draws of which every fold was trained."""
    plan, n_classes = layout.plans[0], len(layout.plans[0].run["classes"])
    scores = []
    for number, labels in enumerate(_over_all(layout, draws)):
        parts = [_read(_path(plan, kind, fold, number), labels[fold.test], n_classes) for fold in layout.folds]
        known = [part for part in parts if part is not None]
        if len(known) == len(parts):
            tested = np.concatenate([labels[fold.test] for fold in layout.folds])
            scores.append(float(balanced_accuracy(confusion_matrix(tested, np.concatenate(known), n_classes))))
    return np.array(scores)


def _over_all(layout: Layout, draws: Index) -> list[Index]:
    """Labels of the layout's rows as labels of all rows of the store, a draw each."""
    labels = np.full((draws.shape[1], len(layout.store)), -1, dtype=np.int64)
    labels[:, layout.rows] = draws.T
    return list(labels)


def _train_on_lots(job: Job, labels: Index, channel: Channel) -> Failure | None:
    """One training, as that of a record, on other labels; its predictions are written beside the records."""
    with one_job(job) as failures:
        _predict_lots(job.plan, job.fold, labels, job.path, teller(job.plan, job.label, channel.put))
    return next(iter(failures), None)


def _predict_lots(plan: Plan, fold: Fold, labels: Index, path: Path, on_epoch: Callable[[Epoch], None]) -> None:
    predictions = call(plan, _fit_lots, plan, fold, hide_test(labels, fold), listen=on_epoch)
    write_text(path, json.dumps({"lots": digest(labels[fold.test]), "predictions": predictions.tolist()}))


def _fit_lots(on_epoch: Callable[[Epoch], None], plan: Plan, fold: Fold, labels: Index) -> Index:
    """The classes that a training on some labels predicts for the test part, whose labels are -1."""
    torch.set_num_threads(plan.threads)
    store = Store(plan.store)
    inputs = make_inputs(plan, store, fold)
    with guarded(closed_to(plan)):
        model, training, device = build_model(plan, store, _SEED), plan.recipe.training, torch.device(plan.device)
        fitted = fit(model, inputs, fold, labels, training, seed=_SEED, device=device, on_epoch=on_epoch)
    predictions: Index = fitted.test_logits[fitted.chosen].argmax(axis=1)
    return predictions


def _path(plan: Plan, kind: str, fold: Fold, number: int) -> Path:
    return record_path(_folders(plan.folder)[kind], fold.name, number)


def _read(path: Path, lots: Index, n_classes: int) -> Index | None:
    """The predictions for some lots; None where there are none, or of others."""
    try:
        plain = load_object(path)
        predictions = np.array(plain["predictions"], dtype=np.int64)
        known = (
            plain["lots"] == digest(lots) and predictions.shape == lots.shape and _are_classes(predictions, n_classes)
        )
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None
    return predictions if known else None


def _are_classes(predictions: Index, n_classes: int) -> bool:
    return bool(((predictions >= 0) & (predictions < n_classes)).all())
