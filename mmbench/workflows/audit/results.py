"""What an audit found, as plain values that a file can hold."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mmbench.workflows.audit.constant_channels import SuspectChannel
from mmbench.workflows.audit.copied_samples import CopiedSamples
from mmbench.workflows.audit.missingness import Missingness
from mmbench.workflows.audit.randomised_control import MARGIN, Control
from mmbench.workflows.audit.shared_groups import SharedGroups

_BEFORE = "this audit is of a version that did not look for near copies and missing inputs: run mmbench audit again"


@dataclass(frozen=True)
class ModelAudit:
    """One model under one protocol: balanced accuracies on the true labels, and the control on labels by lot.

    ``oracle`` is what it would have scored had its epoch, or the settings of the probe, been chosen on test labels.
    """

    score: float
    oracle: float
    control: Control


@dataclass(frozen=True)
class ProtocolAudit:
    """One protocol: what its parts share, the probe's scores, and the method's own where they are known.

    ``decidable`` is False where test samples share with others what carries their label, such as the one recording of
    a class and person, and no control can tell recognising it from recognising the class. ``doubts`` are all reasons
    why a leak could be there unseen, ``lookalikes`` and ``missingness`` what was looked for beside the control.
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
        """Whether a leak was found; None where none was, but one could be there unseen: ``doubts`` say why."""
        if self.causes:
            return True
        return False if self.decidable and not self.doubts else None

    @property
    def causes(self) -> tuple[str, ...]:
        """What the protocol leaks by, a line each."""
        return tuple(self._find_causes())

    def _find_causes(self) -> Iterator[str]:
        for name, examined in (("probe", self.probe), ("method", self.method)):
            if examined is not None and examined.control.leaks:
                yield f"the {name} recognises test samples: labels by lot are predicted {examined.control.excess:+.3f}"
        if alike := self.lookalikes:
            # What is a copy is near, too.
            near = None if alike.near is None else alike.near - alike.copies
            for share, what in (
                (alike.copies, "are copies of training samples, with their labels"),
                (near, "are nearer to a training sample of their label than the data's dimensions allow"),
                (alike.mixed, "are mixtures of two samples of their label, as SMOTE makes them"),
            ):
                if share is not None and share >= MARGIN:
                    yield f"{share:.0%} of the test samples {what}"
        if (missing := self.missingness) and missing.tells:
            yield (
                f"which inputs are missing tells the class with {missing.score:.3f} "
                f"({missing.expected:.3f} on permuted labels)"
            )


@dataclass(frozen=True)
class AuditResult:
    """The protocols of a dataset, audited with one method.

    ``lots`` says what got a label together, of which there are ``n_lots``. ``features`` are what the probe read, by
    source. ``skipped`` are protocols that cannot be cut, with the reason, and ``failed`` trainings that left nothing.
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

    @property
    def chance(self) -> float:
        """Balanced accuracy of guessing."""
        return 1 / len(self.classes)

    def find(self, protocol: str) -> ProtocolAudit:
        """The audit of one protocol; KeyError where it was not audited."""
        for audit in self.protocols:
            if audit.protocol == protocol:
                return audit
        raise KeyError(protocol)

    def inflation(self, audit: ProtocolAudit, by: str = "probe") -> float | None:
        """By how much ``probe`` or ``method`` scores over the strictest protocol; None where that is not known."""
        mine, reference = getattr(audit, by), getattr(self.find(self.strictest), by)
        return None if mine is None or reference is None else mine.score - reference.score

    def to_plain(self) -> dict[str, Any]:
        """As it stands in its file."""
        return asdict(self)

    def to_json(self) -> dict[str, Any]:
        """Everything the tables tell."""
        return {**self.to_plain(), "chance": self.chance, "protocols": [self._describe(one) for one in self.protocols]}

    def _describe(self, audit: ProtocolAudit) -> dict[str, Any]:
        """A protocol with what counts at its head: the probe's word, and the method's own beside it."""
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
