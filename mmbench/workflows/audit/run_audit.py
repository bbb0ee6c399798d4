"""``mmbench audit``: one method under every protocol, and what each of them gives away."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.data import PROTOCOLS, Fold
from mmbench.errors import SpecError
from mmbench.results import describe_environment
from mmbench.storage import in_processes, mended, track, using
from mmbench.training import balanced_accuracy
from mmbench.workflows.audit.audited_data import (
    AuditedData,
    find_all_near_duplicates,
    load_audited_data,
    resolve_protocols,
)
from mmbench.workflows.audit.constant_channels import find_suspect_channels
from mmbench.workflows.audit.files import audit_path, write_audit
from mmbench.workflows.audit.full_audit import audit_method, find_failed_trainings, train_method
from mmbench.workflows.audit.probe import ProbePredictions, ProbeTask, confusion_matrices, probe_fold
from mmbench.workflows.audit.random_labels import LabelUnits, RandomLabels, draw_random_labels, find_label_units
from mmbench.workflows.audit.randomised_control import Control, make_control
from mmbench.workflows.audit.results import AuditResult, ModelAudit, ProtocolAudit
from mmbench.workflows.audit.shared_groups import measure_shared
from mmbench.workflows.audit.split_checks import SplitChecker
from mmbench.workflows.request import RunSpec
from mmbench.workflows.run import Layout

Index = NDArray[np.int64]

N_TRAININGS = 5
"""Draws that the method itself is trained on, where it is."""

_MAX_TARGETS = 200  # what a probe learns at once: draws times classes
_MIN_DRAWS = 20


def audit(method: str, dataset: str, full: bool = False, **options: Any) -> AuditResult:
    """Audit the protocols of ``dataset`` through the eyes of ``method``.

    A probe reads what the method's encoders would; ``full`` trains the method itself, too. Options are those of
    `RunSpec`; ``protocol`` names one or several, separated by commas, all that there are where it is left out. Raises
    UserError for anything the user can mend.
    """
    return audit_spec(RunSpec(method, dataset, **options), full=full)


def audit_spec(
    spec: RunSpec, full: bool = False, draws: int | None = None, trainings: int = N_TRAININGS
) -> AuditResult:
    """Audit from a spec, and keep what was found beside the records.

    ``draws`` of labels are learnt by the probe, None for 20 or more, the more the fewer classes there are;
    ``trainings`` by the method, where ``full``.
    """
    asked, protocols = resolve_protocols(spec)
    draws = max(_MIN_DRAWS, _MAX_TARGETS // asked.n_classes) if draws is None else draws
    for option, value in (("--draws", draws), ("--trainings", trainings)):
        if value < 2:
            raise SpecError(f"{value} is too few to tell their spread", where=option, remedy="ask for 2 or more")
    with using(asked.spec.cache):
        result = mended(lambda: _audit_protocols(*load_audited_data(asked, protocols), full, draws, trainings))
    write_audit(audit_path(spec.out, result), result)
    return result


def _audit_protocols(
    case: AuditedData, skipped: Mapping[str, str], full: bool, draws: int, trainings: int
) -> AuditResult:
    asked, n_classes = case.asked, case.asked.n_classes
    units = find_label_units(case.samples, n_classes)
    probed = _probe(case, draw_random_labels(units, n_classes, draws), units)
    inspector = SplitChecker(case, units, find_all_near_duplicates(case))
    few = draw_random_labels(units, n_classes, trainings)
    found = []
    for layout, probe in zip(case.layouts, probed, strict=True):
        if full:
            train_method(layout, few, asked.design.seeds, case.jobs, asked.spec.cluster)
        found.append(_audit_protocol(inspector, layout, probe, audit_method(layout, few, asked.design.seeds)))
    strictest = max(found, key=lambda audit: PROTOCOLS[audit.protocol].strictness).protocol
    reference = next(layout for layout in case.layouts if layout.plans[0].run["protocol"] == strictest)
    return AuditResult(
        method=case.recipe.label,
        dataset=str(asked.name),
        task=asked.task,
        classes=tuple(asked.schema.tasks[asked.task]),
        simulated=reference.plans[0].run["card"]["access"] == "simulated",
        standardize=asked.design.standardize,
        n_samples=len(case.rows),
        lots=units.name,
        n_lots=units.n_drawn,
        features={name: shown.encoder for name, shown in case.sources.items()},
        protocols=tuple(found),
        strictest=strictest,
        skipped=skipped,
        oddities=tuple(find_suspect_channels(case.plain, case.samples.labels, case.folds(reference), n_classes)),
        versions=describe_environment()["packages"],
        failed=tuple(failure.line for layout in case.layouts for failure in find_failed_trainings(layout))
        if full
        else (),
    )


def _audit_protocol(
    inspector: SplitChecker, layout: Layout, probe: ModelAudit, method: ModelAudit | None
) -> ProtocolAudit:
    folds, run, units = inspector.case.folds(layout), layout.plans[0].run, inspector.units
    inspection = inspector.inspect(folds)
    return ProtocolAudit(
        protocol=run["protocol"],
        folds=len(folds),
        fingerprint=run["fingerprint"],
        structure=inspection.structure,
        decidable=units.is_telling or measure_shared(units.carriers, folds) == 0,
        probe=probe,
        method=method,
        lookalikes=inspection.lookalikes,
        missingness=inspection.missingness,
        doubts=tuple(inspector.doubts(inspection, probe.control, folds)),
    )


def _probe(case: AuditedData, lots: RandomLabels, units: LabelUnits) -> list[ModelAudit]:
    """What the probe makes of the true labels and of the lots, by protocol."""
    spec = case.asked.spec
    subjects = case.samples.groups.get("subject", np.zeros(len(case.rows)))
    bench = ProbeTask(
        features={name: shown.x for name, shown in case.sources.items()},
        labellings=np.concatenate([case.samples.labels[:, None], lots.whole, lots.dealt], axis=1),
        n_classes=case.asked.n_classes,
        standardize=case.asked.design.standardize,
        subjects=np.unique(subjects, return_inverse=True)[1],
    )
    found = [(np.zeros_like(bench.labellings), np.zeros(len(case.rows), dtype=np.int64)) for _ in case.layouts]
    tasks = [(bench, at, fold, spec.threads) for at, layout in enumerate(case.layouts) for fold in case.folds(layout)]
    work = in_processes(min(case.jobs, len(tasks)), _probe_one, tasks, spec.threads)
    for at, fold, probed in track(work, "probing", total=len(tasks)):
        found[at][0][fold.test], found[at][1][fold.test] = probed.chosen, probed.oracle
    return [_make_model_audit(bench, chosen, oracle, lots.whole.shape[1], units) for chosen, oracle in found]


def _probe_one(bench: ProbeTask, at: int, fold: Fold, threads: int) -> tuple[int, Fold, ProbePredictions]:
    return at, fold, probe_fold(bench, fold, threads)


def _make_model_audit(bench: ProbeTask, chosen: Index, oracle: Index, draws: int, units: LabelUnits) -> ModelAudit:
    scores = balanced_accuracy(confusion_matrices(bench.labellings, chosen, bench.n_classes))
    best = balanced_accuracy(confusion_matrices(bench.labellings[:, :1], oracle[:, None], bench.n_classes))
    told = units.per_cell >= 2
    control = make_control(scores[1 : 1 + draws], scores[1 + draws :], len(chosen)) if told else Control(draws)
    return ModelAudit(float(scores[0]), float(best[0]), control)
