"""What is audited: a dataset's labelled samples through the eyes of one method, under several protocols."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mmbench.data import Fold, Protocol, Store, find_protocol, possible_protocols, read_presence
from mmbench.errors import ProtocolError, SpecError
from mmbench.integrity import tell
from mmbench.registry import Recipe, resolve_methods, split_list
from mmbench.storage import track
from mmbench.workflows.audit.evidence import Evidence, Reader, read_frozen, read_plain
from mmbench.workflows.audit.lots import Samples
from mmbench.workflows.audit.twins import find_twins
from mmbench.workflows.request import RunSpec, n_jobs
from mmbench.workflows.resolve import Asked, examine, find_files, settle
from mmbench.workflows.run import Layout, labelled_rows, lay_out_on, open_data

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Case:
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
    def missing(self) -> dict[str, NDArray[np.bool_]]:
        """Which samples lack a modality that the method reads, by modality."""
        return {name: np.isnan(shown.x[:, 0]) for name, shown in self.plain.items()}

    @property
    def present(self) -> dict[str, NDArray[np.bool_]]:
        """Which instances of these modalities are there ``(n, K)``."""
        return {name: read_presence(self.store.path, name)[self.rows] for name in self.plain}

    @property
    def vectors(self) -> list[str]:
        """The modalities whose data are features that were computed elsewhere."""
        return [name for name in self.plain if self.store.schema.modality(name).kind == "vector"]

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


def settle_all(spec: RunSpec) -> tuple[Asked, list[Protocol]]:
    """The spec held against what is installed, and the protocols to audit."""
    wanted = split_list(spec.protocol or "")
    # What a method makes of noise is another question, and may cost more than the audit.
    asked = settle(replace(spec, protocol=wanted[0] if wanted else None, diagnose="no"))
    names = wanted or possible_protocols(asked.schema)
    return asked, [find_protocol(name, asked.schema, spec.dataset) for name in dict.fromkeys(names)]


def open_case(asked: Asked, protocols: Sequence[Protocol]) -> tuple[Case, dict[str, str]]:
    """Prepare the data, cut the folds of each protocol and read what probes read; the protocols that cannot be cut.

    Raises ProtocolError where none can be, SpecError where the method reads no modality.
    """
    spec = asked.spec
    (recipe,) = resolve_methods(asked.registry, spec.method, (), asked.name.name, asked.schema, asked.wishes)
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
    reader = Reader(store, rows, spec.cache, spec.plugins, asked.device, spec.threads, n_jobs(spec))
    plain = read_plain(reader, recipe)
    frozen = read_frozen(reader, recipe, layouts[0].plans[0].tokens, plain)
    return Case(asked, recipe, store, rows, samples, layouts, plain, frozen), skipped


def twins_of(case: Case) -> dict[str, Index]:
    """Pairs of samples that are alike, by modality."""
    shown = track(case.plain.items(), "looking for the same data", total=len(case.plain))
    return {
        name: find_twins(evidence.x, case.store.source(name), case.rows, _scale(case, name)) for name, evidence in shown
    }


def _scale(case: Case, name: str) -> NDArray[np.float64] | None:
    """How much each feature of a vector varies among samples: they have units of their own. None for other kinds."""
    if case.store.schema.modality(name).kind != "vector":
        return None
    spread = np.nanstd(case.plain[name].x.astype(np.float64), axis=0)
    return np.where(spread > 0, spread, 1.0)
