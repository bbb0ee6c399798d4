"""``mmbench audit``: one method under every protocol, and what each of them gives away."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.data import PROTOCOLS, Fold
from mmbench.errors import SpecError
from mmbench.results import environment
from mmbench.storage import in_processes, mark_in_use, retry_on_damage, track
from mmbench.training import balanced_accuracy
from mmbench.workflows.audit.case import Case, open_case, settle_all, twins_of
from mmbench.workflows.audit.channels import find_oddities
from mmbench.workflows.audit.control import Control, judge_lots
from mmbench.workflows.audit.files import audit_path, write_audit
from mmbench.workflows.audit.inspection import Inspector
from mmbench.workflows.audit.lots import Lots, Units, draw_lots, find_units
from mmbench.workflows.audit.probe import Bench, Probed, counts_of, probe_fold
from mmbench.workflows.audit.result import AuditResult, Examined, ProtocolAudit
from mmbench.workflows.audit.structure import share_straddling
from mmbench.workflows.audit.trained import examine_method, find_failed, train_method
from mmbench.workflows.request import RunSpec
from mmbench.workflows.run import Layout

Index = NDArray[np.int64]

TRAININGS = 5
"""Draws that the method itself is trained on, where it is."""

_TARGETS = 200  # what a probe learns at once: draws times classes
_FEWEST = 20


def audit(method: str, dataset: str, full: bool = False, **options: Any) -> AuditResult:
    """Audit the protocols of ``dataset`` through the eyes of ``method``.

    A probe reads what the method's encoders would; ``full`` trains the method itself, too. Options are those of
    `RunSpec`; ``protocol`` names one or several, separated by commas, all that there are where it is left out. Raises
    UserError for anything the user can mend.
    """
    return audit_spec(RunSpec(method, dataset, **options), full=full)


def audit_spec(spec: RunSpec, full: bool = False, draws: int | None = None, trainings: int = TRAININGS) -> AuditResult:
    """Audit from a spec, and keep what was found beside the records.

    ``draws`` of labels are learnt by the probe, None for 20 or more, the more the fewer classes there are;
    ``trainings`` by the method, where ``full``.
    """
    asked, protocols = settle_all(spec)
    draws = max(_FEWEST, _TARGETS // asked.n_classes) if draws is None else draws
    for option, value in (("--draws", draws), ("--trainings", trainings)):
        if value < 2:
            raise SpecError(f"{value} is too few to tell their spread", where=option, remedy="ask for 2 or more")
    with mark_in_use(asked.spec.cache):
        result = retry_on_damage(lambda: _examine(*open_case(asked, protocols), full, draws, trainings))
    write_audit(audit_path(spec.out, result), result)
    return result


def _examine(case: Case, skipped: Mapping[str, str], full: bool, draws: int, trainings: int) -> AuditResult:
    asked, n_classes = case.asked, case.asked.n_classes
    units = find_units(case.samples, n_classes)
    probed = _probe(case, draw_lots(units, n_classes, draws), units)
    inspector = Inspector(case, units, twins_of(case))
    few = draw_lots(units, n_classes, trainings)
    found = []
    for layout, probe in zip(case.layouts, probed, strict=True):
        if full:
            train_method(layout, few, asked.design.seeds, case.jobs, asked.spec.cluster)
        found.append(_audit_protocol(inspector, layout, probe, examine_method(layout, few, asked.design.seeds)))
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
        oddities=tuple(find_oddities(case.plain, case.samples.labels, case.folds(reference), n_classes)),
        versions=environment()["packages"],
        failed=tuple(failure.line for layout in case.layouts for failure in find_failed(layout)) if full else (),
    )


def _audit_protocol(inspector: Inspector, layout: Layout, probe: Examined, method: Examined | None) -> ProtocolAudit:
    folds, run, units = inspector.case.folds(layout), layout.plans[0].run, inspector.units
    inspection = inspector.inspect(folds)
    return ProtocolAudit(
        protocol=run["protocol"],
        folds=len(folds),
        fingerprint=run["fingerprint"],
        structure=inspection.structure,
        decidable=units.is_telling or share_straddling(units.carriers, folds) == 0,
        probe=probe,
        method=method,
        lookalikes=inspection.lookalikes,
        missingness=inspection.missingness,
        doubts=tuple(inspector.doubts(inspection, probe.control, folds)),
    )


def _probe(case: Case, lots: Lots, units: Units) -> list[Examined]:
    """What the probe makes of the true labels and of the lots, by protocol."""
    spec = case.asked.spec
    subjects = case.samples.groups.get("subject", np.zeros(len(case.rows)))
    bench = Bench(
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
    return [_judge(bench, chosen, oracle, lots.whole.shape[1], units) for chosen, oracle in found]


def _probe_one(bench: Bench, at: int, fold: Fold, threads: int) -> tuple[int, Fold, Probed]:
    return at, fold, probe_fold(bench, fold, threads)


def _judge(bench: Bench, chosen: Index, oracle: Index, draws: int, units: Units) -> Examined:
    scores = balanced_accuracy(counts_of(bench.labellings, chosen, bench.n_classes))
    best = balanced_accuracy(counts_of(bench.labellings[:, :1], oracle[:, None], bench.n_classes))
    told = units.per_cell >= 2
    control = judge_lots(scores[1 : 1 + draws], scores[1 + draws :], len(chosen)) if told else Control(draws)
    return Examined(float(scores[0]), float(best[0]), control)
