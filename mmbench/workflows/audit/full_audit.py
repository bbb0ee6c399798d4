"""Full audit: the method itself trained on the true labels and on random labels under a protocol."""

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
    call_components,
    catch_failure,
    closed_files,
    epoch_listener,
    make_inputs,
    mask_test_labels,
    report_near_run,
    run_jobs,
    run_missing,
)
from mmbench.integrity import guard_files
from mmbench.results import Failure, MethodResult, find_failures, load_method, record_path
from mmbench.storage import digest, load_object, write_text
from mmbench.training import Epoch, balanced_accuracy, confusion_matrix, fit
from mmbench.workflows.audit.findings import Control
from mmbench.workflows.audit.random_labels import RandomLabels
from mmbench.workflows.audit.randomised_control import make_control
from mmbench.workflows.audit.results import ModelAudit
from mmbench.workflows.experiment import Experiment

Index = NDArray[np.int64]

_METRIC = "balanced_accuracy"
_SEED = 0


def train_method(
    experiment: Experiment, random_labels: RandomLabels, seeds: int, jobs: int, cluster: str | None = None
) -> None:
    """Train the method on the true labels and on each draw of random labels; skips what is already trained."""
    report_near_run(experiment.plans[0])
    run_missing(experiment.plans, experiment.setup.folds, seeds, jobs, cluster)
    plan, n_classes = experiment.plans[0], len(experiment.plans[0].run["classes"])
    tasks = [
        (Job(plan, fold, number, path), labels)
        for kind, draws in _kinds(random_labels)
        for number, labels in enumerate(_over_all(experiment, draws))
        for fold in experiment.setup.folds
        if _read(path := _path(plan, kind, fold, number), labels[fold.test], n_classes) is None
    ]
    if tasks:
        run_jobs(
            _train_on_random_labels, tasks, jobs, f"{plan.recipe.label}, {plan.run['protocol']}: random labels", cluster
        )


def find_failed_trainings(experiment: Experiment) -> tuple[Failure, ...]:
    """Trainings that failed, on true and on random labels."""
    folder = experiment.plans[0].folder
    return tuple(failure for each in (folder, *_folders(folder).values()) for failure in find_failures(each))


def audit_method(experiment: Experiment, random_labels: RandomLabels, seeds: int) -> ModelAudit | None:
    """Scores of the method from its records, and its control from the random labels; None without all records."""
    method = _find_method(experiment, seeds)
    if method is None:
        return None
    score = method.scores[_METRIC].mean
    whole, permuted = (_score_random_labels(experiment, kind, draws) for kind, draws in _kinds(random_labels))
    n_tested = sum(len(fold.test) for fold in experiment.setup.folds)
    control = make_control(whole, permuted, n_tested) if len(whole) and len(permuted) else Control(0)
    return ModelAudit(score, score + method.gap("oracle"), control)


def _kinds(labels: RandomLabels) -> tuple[tuple[str, Index], ...]:
    # The names of folders on disk.
    return ("whole", labels.whole), ("dealt", labels.permuted)


def _folders(folder: Path) -> dict[str, Path]:
    return {kind: folder / "lots" / kind for kind in ("whole", "dealt")}


def _find_method(experiment: Experiment, seeds: int) -> MethodResult | None:
    try:
        method = load_method(experiment.plans[0].folder, seeds)
    except RecordError:
        return None
    complete = method.missing == 0 and len(method.records) == seeds * len(experiment.setup.folds)
    return method if complete else None


def _score_random_labels(experiment: Experiment, kind: str, draws: Index) -> NDArray[np.float64]:
    """Balanced accuracies ``(draws,)`` of the draws with all folds trained."""
    plan, n_classes = experiment.plans[0], len(experiment.plans[0].run["classes"])
    scores = []
    for number, labels in enumerate(_over_all(experiment, draws)):
        parts = [
            _read(_path(plan, kind, fold, number), labels[fold.test], n_classes) for fold in experiment.setup.folds
        ]
        known = [part for part in parts if part is not None]
        if len(known) == len(parts):
            tested = np.concatenate([labels[fold.test] for fold in experiment.setup.folds])
            scores.append(float(balanced_accuracy(confusion_matrix(tested, np.concatenate(known), n_classes))))
    return np.array(scores)


def _over_all(experiment: Experiment, draws: Index) -> list[Index]:
    """Labels of all rows of the store for each draw, -1 outside of the layout's rows."""
    labels = np.full((draws.shape[1], len(experiment.setup.store)), -1, dtype=np.int64)
    labels[:, experiment.setup.rows] = draws.T
    return list(labels)


def _train_on_random_labels(job: Job, labels: Index, channel: Channel) -> Failure | None:
    """Train one fold on random labels and write its predictions next to the records."""
    with catch_failure(job) as failures:
        _predict_random_labels(job.plan, job.fold, labels, job.path, epoch_listener(job.plan, job.label, channel.put))
    return next(iter(failures), None)


def _predict_random_labels(
    plan: Plan, fold: Fold, labels: Index, path: Path, on_epoch: Callable[[Epoch], None]
) -> None:
    predictions = call_components(plan, _fit_random_labels, plan, fold, mask_test_labels(labels, fold), listen=on_epoch)
    write_text(path, json.dumps({"lots": digest(labels[fold.test]), "predictions": predictions.tolist()}))


def _fit_random_labels(on_epoch: Callable[[Epoch], None], plan: Plan, fold: Fold, labels: Index) -> Index:
    """Predicted classes ``(n_test,)`` of a training on ``labels``, which are -1 in the test part."""
    torch.set_num_threads(plan.threads)
    store = Store(plan.store)
    inputs = make_inputs(plan, store, fold)
    with guard_files(closed_files(plan)):
        model, training, device = build_model(plan, store, _SEED), plan.recipe.training, torch.device(plan.device)
        fitted = fit(
            model,
            inputs,
            fold,
            labels,
            training,
            seed=_SEED,
            device=device,
            metric=plan.metric,
            on_epoch=on_epoch,
            trainer=plan.trainer(),
        )
    predictions: Index = fitted.test_outputs[fitted.chosen].argmax(axis=1)
    return predictions


def _path(plan: Plan, kind: str, fold: Fold, number: int) -> Path:
    return record_path(_folders(plan.folder)[kind], fold.name, number)


def _read(path: Path, labels: Index, n_classes: int) -> Index | None:
    """Predictions from a file; None if it is missing, damaged, or of other labels."""
    try:
        plain = load_object(path)
        predictions = np.array(plain["predictions"], dtype=np.int64)
        known = (
            plain["lots"] == digest(labels)
            and predictions.shape == labels.shape
            and _are_classes(predictions, n_classes)
        )
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None
    return predictions if known else None


def _are_classes(predictions: Index, n_classes: int) -> bool:
    return bool(((predictions >= 0) & (predictions < n_classes)).all())
