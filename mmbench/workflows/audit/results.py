"""Results of an audit, as dataclasses that are written to its file."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mmbench.results import Displayed
from mmbench.workflows.audit.findings import MARGIN, Control, CopiedSamples, Missingness, SharedGroups, SuspectChannel

_BEFORE = "this audit is of a version without checks for near-duplicates and missing inputs: run mmbench audit again"


@dataclass(frozen=True)
class ModelAudit:
    """One model under one protocol: balanced accuracy on the true labels, and the control on random labels.

    ``oracle`` is the score with the epoch, or the settings of the probe, chosen on test data.
    """

    score: float
    oracle: float
    control: Control


@dataclass(frozen=True)
class ProtocolAudit:
    """One protocol: what its parts share, scores of the probe, and those of the method if it was trained.

    ``decidable`` is False if recognising a unit cannot be distinguished from recognising its class, as with one
    recording per class and person in both parts. ``doubts`` are the reasons why a leak may be undetected;
    ``lookalikes`` and ``missingness`` are checks besides the control.
    """

    protocol: str
    folds: int
    fingerprint: str
    structure: SharedGroups
    decidable: bool
    probe: ModelAudit
    method: ModelAudit | None = None
    lookalikes: CopiedSamples | None = None
    missingness: Missingness | None = None
    doubts: tuple[str, ...] = (_BEFORE,)

    @property
    def leaks(self) -> bool | None:
        """Whether a leak was found; None if none was found but one may be undetected (``doubts``)."""
        if self.causes:
            return True
        return False if self.decidable and not self.doubts else None

    @property
    def causes(self) -> tuple[str, ...]:
        """The leaks that were found, a line each."""
        return tuple(self._find_causes())

    def _find_causes(self) -> Iterator[str]:
        for name, model in (("probe", self.probe), ("method", self.method)):
            if model is not None and model.control.leaks:
                excess = f"{model.control.excess:+.3f}"
                yield f"the {name} recognises test samples: it predicts random labels {excess} above expectation"
        if alike := self.lookalikes:
            # Copies count as near, too.
            near = None if alike.near is None else alike.near - alike.copies
            for share, what in (
                (alike.copies, "are copies of training samples, with their labels"),
                (near, "are nearer to a training sample of their label than independent samples would be"),
                (alike.mixed, "are mixtures of two samples of their label, as by SMOTE"),
            ):
                if share is not None and share >= MARGIN:
                    yield f"{share:.0%} of the test samples {what}"
        if (missing := self.missingness) and missing.predicts_label:
            yield (
                f"the pattern of missing inputs predicts the class: balanced accuracy {missing.score:.3f} "
                f"({missing.expected:.3f} on permuted labels)"
            )


@dataclass(frozen=True, repr=False)
class AuditResult(Displayed):
    """Audits of the protocols of a dataset with one method; ``print`` shows their table.

    ``lots`` is the kind of unit that shares a random label, ``n_lots`` their number. ``features`` are the encoders of
    the probe's features, by source. ``skipped`` are protocols that do not apply, with the reason; ``failed`` are
    trainings that failed. ``made_from`` says how classes were made from labels or values (`AuditedClasses`), ``notes``
    how the data were made (`Card.notes`).
    """

    method: str
    dataset: str
    task: str
    classes: tuple[str, ...]
    simulated: bool
    standardize: str
    n_samples: int
    lots: str
    n_lots: int
    features: Mapping[str, str]
    protocols: tuple[ProtocolAudit, ...]
    strictest: str
    skipped: Mapping[str, str]
    oddities: tuple[SuspectChannel, ...]
    versions: Mapping[str, str]
    failed: tuple[str, ...] = ()
    made_from: str = ""
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """Data, and whether each protocol leaks, in one line."""
        words = {True: "leaks", False: "no leak found", None: "inconclusive"}
        found = (f"{each.protocol} {words[each.leaks]}" for each in self.protocols)
        return f"{self.dataset} with {self.method}: {', '.join(found)}"

    @property
    def chance(self) -> float:
        """Chance level of balanced accuracy."""
        return 1 / len(self.classes)

    def find(self, protocol: str) -> ProtocolAudit:
        """The audit of one protocol; KeyError if it was not audited."""
        for audit in self.protocols:
            if audit.protocol == protocol:
                return audit
        raise KeyError(protocol)

    def inflation(self, audit: ProtocolAudit, by: str = "probe") -> float | None:
        """Score of ``probe`` or ``method`` minus that under the strictest protocol; None if it is not known."""
        mine, reference = getattr(audit, by), getattr(self.find(self.strictest), by)
        return None if mine is None or reference is None else mine.score - reference.score

    def to_plain(self) -> dict[str, Any]:
        """The JSON object of its file."""
        return asdict(self)

    def to_json(self) -> dict[str, Any]:
        """All values of the tables."""
        return {**self.to_plain(), "chance": self.chance, "protocols": [self._describe(one) for one in self.protocols]}

    def _describe(self, audit: ProtocolAudit) -> dict[str, Any]:
        """The values of one protocol: those of the probe first, those of the method under ``method``."""
        control = audit.probe.control
        return {
            "protocol": audit.protocol,
            "leaks": audit.leaks,
            "causes": list(audit.causes),
            "doubts": list(audit.doubts),
            "lookalikes": asdict(audit.lookalikes) if audit.lookalikes else None,
            "missingness": asdict(audit.missingness) if audit.missingness else None,
            "p_value": control.p_value,
            "score": audit.probe.score,
            "control": control.score,
            "expected": control.expected,
            "excess": control.excess,
            "draws": control.draws,
            "inflation": self.inflation(audit),
            "oracle": audit.probe.oracle,
            **asdict(audit.structure),
            "folds": audit.folds,
            "fingerprint": audit.fingerprint,
            "method": {**asdict(audit.method), "inflation": self.inflation(audit, "method")} if audit.method else None,
        }
