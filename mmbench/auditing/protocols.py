"""``mmbench audit``: one method under every protocol, and what each of them gives away."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.asked import Asked, examine, find_files, settle
from mmbench.auditing.channels import find_oddities
from mmbench.auditing.control import Control, judge_lots
from mmbench.auditing.evidence import Evidence, Reader, read_frozen, read_plain
from mmbench.auditing.lots import Lots, Samples, Units, draw_lots, find_units
from mmbench.auditing.probe import Bench, Probed, counts_of, probe_fold
from mmbench.auditing.result import AuditResult, Examined, ProtocolAudit
from mmbench.auditing.structure import look_at_split, share_straddling
from mmbench.auditing.trained import examine_method, train_method
from mmbench.auditing.twins import find_twins
from mmbench.errors import ProtocolError, RecordError, SpecError
from mmbench.experiment import Layout, labelled_rows, lay_out_on, open_data
from mmbench.files import write_text
from mmbench.hashing import digest
from mmbench.lint import tell
from mmbench.methods import Recipe, resolve
from mmbench.metrics import balanced_accuracy
from mmbench.progress import track
from mmbench.records import environment, slug
from mmbench.runspec import RunSpec, n_jobs
from mmbench.specs import split_list
from mmbench.splits import PROTOCOLS, Fold, Protocol, find_protocol, possible_protocols
from mmbench.store import Store
from mmbench.workers import in_processes

Index = NDArray[np.int64]

TRAININGS = 5
"""Draws that the method itself is trained on, where it is."""

_TARGETS = 200  # what a probe learns at once: draws times classes
_FEWEST = 20


@dataclass(frozen=True)
class _Case:
    """What is audited: the labelled samples of a dataset through the eyes of one method."""

    asked: Asked
    recipe: Recipe
    store: Store
    rows: Index
    samples: Samples
    layouts: Sequence[Layout]
    plain: Mapping[str, Evidence]
    frozen: Mapping[str, Evidence]

    @property
    def sources(self) -> dict[str, Evidence]:
        """All that the probe reads."""
        return {**self.plain, **{f"{name}, tokens": shown for name, shown in self.frozen.items()}}

    @property
    def jobs(self) -> int:
        """Processes to work in."""
        return n_jobs(self.asked.spec)

    def folds(self, layout: Layout) -> list[Fold]:
        """The folds of a protocol over the samples that are audited, not over all of the store."""
        return [
            Fold(fold.name, *(np.searchsorted(self.rows, part) for part in (fold.train, fold.validation, fold.test)))
            for fold in layout.folds
        ]


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
    asked, protocols = _settle(spec)
    draws = max(_FEWEST, _TARGETS // asked.n_classes) if draws is None else draws
    for option, value in (("--draws", draws), ("--trainings", trainings)):
        if value < 2:
            raise SpecError(f"{value} is too few to tell their spread", where=option, remedy="ask for 2 or more")
    (recipe,) = resolve(asked.registry, spec.method, (), asked.name.name, asked.schema, asked.wishes)
    case, skipped = _open(asked, recipe, protocols)
    result = _examine(case, skipped, full, draws, trainings)
    write_text(audit_path(spec.out, result), json.dumps({"audit": result.to_plain()}))
    return result


def audit_path(out: Path, result: AuditResult) -> Path:
    """Where an audit lies among the runs; a later one of the same method, data and protocols takes its place."""
    about = [result.method, result.dataset, result.task, result.features, [one.fingerprint for one in result.protocols]]
    return out / f"audit-{slug(f'{result.dataset}-{result.method}')}-{digest(about)[:10]}.json"


def is_audit(path: Path) -> bool:
    """Whether a file is that of an audit."""
    try:
        return path.is_file() and "audit" in json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def load_audit(path: Path) -> AuditResult:
    """Read an audit; RecordError when it is damaged."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(AuditResult).validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise RecordError(f"is not an audit ({reason})", where=path, remedy="run mmbench audit again") from error


def _settle(spec: RunSpec) -> tuple[Asked, list[Protocol]]:
    """The spec held against what is installed, and the protocols to audit."""
    wanted = split_list(spec.protocol or "")
    asked = settle(replace(spec, protocol=wanted[0] if wanted else None))
    names = wanted or possible_protocols(asked.schema)
    return asked, [find_protocol(name, asked.schema, spec.dataset) for name in dict.fromkeys(names)]


def _open(asked: Asked, recipe: Recipe, protocols: Sequence[Protocol]) -> tuple[_Case, dict[str, str]]:
    """Prepare the data, cut the folds of each protocol and read what probes read."""
    if not recipe.encoders:
        raise SpecError(f"{recipe.label} reads no modality", where="audit", remedy="audit a method that reads one")
    files = find_files(asked)
    findings = examine(asked, [recipe])
    tell(findings)
    store = open_data(asked, files, [recipe])
    rows = labelled_rows(store, asked.task)
    layouts, skipped = [], {}
    for protocol in protocols:
        try:
            layouts.append(lay_out_on(store, replace(asked, protocol=protocol), files, [recipe], findings))
        except ProtocolError as error:
            skipped[protocol.name] = error.message
    if not layouts:
        raise ProtocolError(next(iter(skipped.values())), where=f"--protocol {next(iter(skipped))}")
    groups = {name: values[rows] for name, values in store.groups.items()}
    samples = Samples(store.ids[rows], store.labels(asked.task)[rows], groups, store.spans[rows])
    spec = asked.spec
    reader = Reader(store, rows, spec.cache, spec.plugins, asked.device, spec.threads, n_jobs(spec))
    plain = read_plain(reader, recipe)
    frozen = read_frozen(reader, recipe, layouts[0].plans[0].tokens, plain)
    return _Case(asked, recipe, store, rows, samples, layouts, plain, frozen), skipped


def _examine(case: _Case, skipped: Mapping[str, str], full: bool, draws: int, trainings: int) -> AuditResult:
    asked, n_classes = case.asked, case.asked.n_classes
    units = find_units(case.samples, n_classes)
    probed = _probe(case, draw_lots(units, n_classes, draws), units)
    twins = _find_twins(case)
    few = draw_lots(units, n_classes, trainings)
    found = []
    for layout, probe in zip(case.layouts, probed, strict=True):
        if full:
            train_method(layout, few, asked.design.seeds, case.jobs)
        folds, run = case.folds(layout), layout.plans[0].run
        found.append(
            ProtocolAudit(
                protocol=run["protocol"],
                folds=len(folds),
                fingerprint=run["fingerprint"],
                structure=look_at_split(case.samples, folds, twins),
                decidable=not units.is_cut or share_straddling(units.carriers, folds) == 0,
                probe=probe,
                method=examine_method(layout, few, asked.design.seeds),
            )
        )
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
    )


def _find_twins(case: _Case) -> dict[str, Index]:
    """Pairs of samples that are alike, by modality."""
    shown = track(case.plain.items(), "looking for the same data", total=len(case.plain))
    return {
        name: find_twins(evidence.x, case.store.source(name), case.rows, _scale(case, name)) for name, evidence in shown
    }


def _scale(case: _Case, name: str) -> NDArray[np.float64] | None:
    """How much each feature of a vector varies among samples: they have units of their own. None for other kinds."""
    if case.store.schema.modality(name).kind != "vector":
        return None
    spread = np.nanstd(case.plain[name].x.astype(np.float64), axis=0)
    return np.where(spread > 0, spread, 1.0)


def _probe(case: _Case, lots: Lots, units: Units) -> list[Examined]:
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
    work = in_processes(min(case.jobs, len(tasks)), _probe_one, tasks)
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
