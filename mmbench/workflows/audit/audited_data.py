"""Data of an audit: labelled samples, the folds of several protocols, and the features that probes read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mmbench.data import Fold, Protocol, Store, find_labelled, find_protocol, possible_protocols, read_presence
from mmbench.errors import ProtocolError, SpecError
from mmbench.integrity import report_findings
from mmbench.registry import Recipe, split_list
from mmbench.storage import track
from mmbench.workflows.audit.audited_classes import AuditedClasses, find_audited_classes
from mmbench.workflows.audit.near_duplicates import find_near_duplicates
from mmbench.workflows.audit.probe_features import ProbeFeatures, read_frozen, read_plain
from mmbench.workflows.audit.random_labels import Samples
from mmbench.workflows.experiment import Experiment, prepare_data, split_and_encode
from mmbench.workflows.request import RunSpec, n_jobs
from mmbench.workflows.resolve import Request, check_request, resolve_request

Index = NDArray[np.int64]


@dataclass(frozen=True)
class AuditedData:
    """The labelled samples of a dataset, as one method reads them, with the folds of each protocol."""

    request: Request
    recipe: Recipe
    store: Store
    rows: Index
    classes: AuditedClasses
    samples: Samples
    experiments: Sequence[Experiment]
    plain: Mapping[str, ProbeFeatures]
    frozen: Mapping[str, ProbeFeatures]

    @property
    def sources(self) -> dict[str, ProbeFeatures]:
        """All features that the probe reads, by source."""
        return {**self.plain, **{f"{name}, tokens": features for name, features in self.frozen.items()}}

    @property
    def missing(self) -> dict[str, NDArray[np.bool_]]:
        """Which samples lack a modality ``(n,)``, for each modality that the method reads."""
        return {name: np.isnan(features.x[:, 0]) for name, features in self.plain.items()}

    @property
    def present(self) -> dict[str, NDArray[np.bool_]]:
        """Which instances are present ``(n, K)``, for each modality that the method reads."""
        return {name: read_presence(self.store.path, name)[self.rows] for name in self.plain}

    @property
    def vectors(self) -> list[str]:
        """The modalities of kind ``vector``: features computed outside of mmbench."""
        return [name for name in self.plain if self.store.schema.modality(name).kind == "vector"]

    @property
    def jobs(self) -> int:
        """Number of processes."""
        return n_jobs(self.request.spec)

    def folds(self, experiment: Experiment) -> list[Fold]:
        """The folds of a protocol, as indices of the audited samples instead of rows of the store."""
        return [
            Fold(fold.name, *(np.searchsorted(self.rows, part) for part in (fold.train, fold.validation, fold.test)))
            for fold in experiment.setup.folds
        ]


def resolve_protocols(spec: RunSpec) -> tuple[Request, list[Protocol]]:
    """The resolved request and the protocols to audit: those that are named, else all whose groups are declared."""
    wanted = split_list(spec.protocol or "")
    # A diagnosis is no part of an audit, and may cost more than it.
    request = resolve_request(replace(spec, protocol=wanted[0] if wanted else None, diagnose="no"))
    names = wanted or possible_protocols(request.schema)
    return request, [find_protocol(name, request.schema, spec.dataset) for name in dict.fromkeys(names)]


def load_audited_data(request: Request, protocols: Sequence[Protocol]) -> tuple[AuditedData, dict[str, str]]:
    """Prepare the data, make the folds of each protocol and read features; also returns why protocols were skipped.

    Where no protocol is named and samples have parts, the official split is audited, too.
    Raises ProtocolError if no protocol applies, SpecError if the method reads no modality.
    """
    (recipe,) = request.recipes
    if not recipe.encoders:
        raise SpecError(f"{recipe.label} reads no modality", where="audit", remedy="audit a method that reads one")
    checked = check_request(request)
    report_findings(checked.findings)
    store = prepare_data(checked)
    rows = find_labelled(store.labels(request.task))
    experiments, skipped = [], {}
    if request.spec.protocol is None and store.parts is not None:
        protocols = [*protocols, find_protocol("official", request.schema, request.spec.dataset)]
    for protocol in protocols:
        try:
            experiments.append(split_and_encode(store, replace(checked, protocol=protocol)))
        except ProtocolError as error:
            skipped[protocol.name] = error.message
    if not experiments:
        raise ProtocolError(next(iter(skipped.values())), where=f"--protocol {next(iter(skipped))}")
    groups = {name: values[rows] for name, values in store.groups.items()}
    classes = find_audited_classes(store.labels(request.task)[rows], store.schema.tasks[request.task])
    samples = Samples(store.ids[rows], classes.labels, groups, store.spans[rows])
    plain = read_plain(request, store, rows, recipe)
    frozen = read_frozen(rows, recipe, experiments[0].plans[0].tokens, plain)
    return AuditedData(request, recipe, store, rows, classes, samples, experiments, plain, frozen), skipped


def find_all_near_duplicates(data: AuditedData) -> dict[str, Index]:
    """Pairs of near-duplicates ``(P, 2)``, by modality."""
    modalities = track(data.plain.items(), "finding near-duplicates", total=len(data.plain))
    return {
        name: find_near_duplicates(features.x, data.store.source(name), data.rows, _scale(data, name))
        for name, features in modalities
    }


def _scale(data: AuditedData, name: str) -> NDArray[np.float64] | None:
    """Standard deviation of each feature of a vector, which has a unit of its own; None for other kinds."""
    if data.store.schema.modality(name).kind != "vector":
        return None
    spread = np.nanstd(data.plain[name].x.astype(np.float64), axis=0)
    return np.where(spread > 0, spread, 1.0)
