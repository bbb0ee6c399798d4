"""``mmbench audit``: leakage checks of one dataset and method under each protocol."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from mmbench.data import Fold, parse_protocol
from mmbench.errors import SpecError
from mmbench.results import describe_environment
from mmbench.storage import in_processes, mark_in_use, retry_on_damage, track
from mmbench.training import balanced_accuracy
from mmbench.workflows.arguments.options import make_spec
from mmbench.workflows.arguments.signatures import RunOptions, with_run_options
from mmbench.workflows.audit.audited_data import (
    AuditedData,
    find_all_near_duplicates,
    load_audited_data,
    resolve_protocols,
)
from mmbench.workflows.audit.constant_channels import find_suspect_channels
from mmbench.workflows.audit.files import audit_path, write_audit
from mmbench.workflows.audit.findings import Control
from mmbench.workflows.audit.full_audit import audit_method, find_failed_trainings, train_method
from mmbench.workflows.audit.probe import ProbePredictions, ProbeTask, confusion_matrices, probe_fold
from mmbench.workflows.audit.random_labels import LabelUnits, RandomLabels, draw_random_labels, find_label_units
from mmbench.workflows.audit.randomised_control import make_control
from mmbench.workflows.audit.results import AuditResult, ModelAudit, ProtocolAudit
from mmbench.workflows.audit.shared_groups import measure_shared
from mmbench.workflows.audit.split_checks import SplitChecker
from mmbench.workflows.experiment import Experiment
from mmbench.workflows.request import RunSpec

Index = NDArray[np.int64]

N_TRAININGS = 5
"""Draws of random labels that the method itself is trained on."""

_MAX_TARGETS = 200  # targets of a probe: draws times classes
_MIN_DRAWS = 20


@with_run_options
def audit(method: Any, dataset: Any, full: bool = False, **options: Unpack[RunOptions]) -> AuditResult:
    """Audit the protocols of ``dataset`` for leakage, with the modalities and encoders of ``method``.

    A probe reads features of the method's modalities; ``full`` also trains the method itself. Arguments and options are
    those of `run`; ``protocol`` names one or several, separated by commas (default: all that apply). Raises UserError
    for invalid input.
    """
    return audit_spec(make_spec(method, dataset, (), options), full=full)


def audit_spec(
    spec: RunSpec, full: bool = False, draws: int | None = None, trainings: int | None = None
) -> AuditResult:
    """Run an audit from a spec and write its result next to the records.

    ``draws`` is the number of random labellings for the probe (None: at least 20, more for fewer classes),
    ``trainings`` that for the method if ``full`` (None: 5). Raises SpecError for ``trainings`` without ``full``.
    """
    if trainings is not None and not full:
        raise SpecError("the method is not trained", where="--trainings", remedy="add --full, or leave it out")
    trainings = N_TRAININGS if trainings is None else trainings
    request, protocols = resolve_protocols(spec)
    if full and request.schema.tasks[request.task].kind != "class":
        raise SpecError(
            f"the method cannot be trained on random classes of {request.task}, which is no task of classes",
            where="--full",
            remedy="leave it out: the probe audits thirds of a value, or one label",
        )
    for option, value in (("--draws", draws), ("--trainings", trainings)):
        if value is not None and value < 2:
            raise SpecError(f"{value} is too few to estimate a variance", where=option, remedy="give 2 or more")
    with mark_in_use(request.spec.cache):
        result = retry_on_damage(
            lambda: _audit_protocols(*load_audited_data(request, protocols), full, draws, trainings)
        )
    write_audit(audit_path(spec.out, result), result)
    return result


def _audit_protocols(
    data: AuditedData, skipped: Mapping[str, str], full: bool, draws: int | None, trainings: int
) -> AuditResult:
    request, n_classes = data.request, len(data.classes.names)
    draws = draws or max(_MIN_DRAWS, _MAX_TARGETS // n_classes)
    units = find_label_units(data.samples, n_classes)
    probed = _probe(data, draw_random_labels(units, n_classes, draws), units)
    checker = SplitChecker(data, units, find_all_near_duplicates(data))
    random_labels = draw_random_labels(units, n_classes, trainings)
    found = []
    for experiment, probe in zip(data.experiments, probed, strict=True):
        if full:
            train_method(experiment, random_labels, request.settings.seeds, data.jobs, request.spec.cluster)
        found.append(
            _audit_protocol(checker, experiment, probe, audit_method(experiment, random_labels, request.settings.seeds))
        )
    strictest = max(found, key=lambda audit: parse_protocol(audit.protocol).strictness).protocol
    reference = next(experiment for experiment in data.experiments if experiment.plans[0].run["protocol"] == strictest)
    card = reference.plans[0].run["card"]
    return AuditResult(
        method=data.recipe.label,
        dataset=str(request.dataset_spec),
        task=request.task,
        classes=data.classes.names,
        made_from=data.classes.made_from,
        simulated=card["access"] == "simulated",
        notes=tuple(card["notes"]),
        standardize=request.settings.standardize,
        n_samples=len(data.rows),
        lots=units.name,
        n_lots=units.n_units,
        features={name: features.encoder for name, features in data.sources.items()},
        protocols=tuple(found),
        strictest=strictest,
        skipped=skipped,
        oddities=tuple(find_suspect_channels(data.plain, data.samples.labels, data.folds(reference), n_classes)),
        versions=describe_environment()["packages"],
        failed=tuple(failure.line for experiment in data.experiments for failure in find_failed_trainings(experiment))
        if full
        else (),
    )


def _audit_protocol(
    checker: SplitChecker, experiment: Experiment, probe: ModelAudit, method: ModelAudit | None
) -> ProtocolAudit:
    folds, run, units = checker.data.folds(experiment), experiment.plans[0].run, checker.units
    checks = checker.inspect(folds, parse_protocol(run["protocol"]))
    return ProtocolAudit(
        protocol=run["protocol"],
        folds=len(folds),
        fingerprint=run["fingerprint"],
        structure=checks.structure,
        decidable=units.is_decidable or measure_shared(units.carriers, folds) == 0,
        probe=probe,
        method=method,
        lookalikes=checks.lookalikes,
        missingness=checks.missingness,
        doubts=tuple(checker.doubts(checks, probe.control, folds)),
    )


def _probe(data: AuditedData, labels: RandomLabels, units: LabelUnits) -> list[ModelAudit]:
    """Scores of the probe on true and on random labels, by protocol."""
    spec = data.request.spec
    subjects = data.samples.groups.get("subject", np.zeros(len(data.rows)))
    task = ProbeTask(
        features={name: features.x for name, features in data.sources.items()},
        labellings=np.concatenate([data.samples.labels[:, None], labels.whole, labels.permuted], axis=1),
        n_classes=len(data.classes.names),
        standardize=data.request.settings.standardize,
        subjects=np.unique(subjects, return_inverse=True)[1],
    )
    found = [(np.zeros_like(task.labellings), np.zeros(len(data.rows), dtype=np.int64)) for _ in data.experiments]
    tasks = [
        (task, at, fold, spec.threads)
        for at, experiment in enumerate(data.experiments)
        for fold in data.folds(experiment)
    ]
    work = in_processes(min(data.jobs, len(tasks)), _probe_one, tasks, spec.threads)
    for at, fold, probed in track(work, "probing", total=len(tasks)):
        found[at][0][fold.test], found[at][1][fold.test] = probed.chosen, probed.oracle
    audits = []
    for experiment, (chosen, oracle) in zip(data.experiments, found, strict=True):
        tested = np.concatenate([fold.test for fold in data.folds(experiment)])  # not all samples, under some protocols
        known = replace(task, labellings=task.labellings[tested])
        audits.append(_make_model_audit(known, chosen[tested], oracle[tested], labels.whole.shape[1], units))
    return audits


def _probe_one(task: ProbeTask, at: int, fold: Fold, threads: int) -> tuple[int, Fold, ProbePredictions]:
    return at, fold, probe_fold(task, fold, threads)


def _make_model_audit(task: ProbeTask, chosen: Index, oracle: Index, draws: int, units: LabelUnits) -> ModelAudit:
    scores = balanced_accuracy(confusion_matrices(task.labellings, chosen, task.n_classes))
    best = balanced_accuracy(confusion_matrices(task.labellings[:, :1], oracle[:, None], task.n_classes))
    is_possible = units.per_cell >= 2
    control = make_control(scores[1 : 1 + draws], scores[1 + draws :], len(chosen)) if is_possible else Control(draws)
    return ModelAudit(float(scores[0]), float(best[0]), control)
