"""Protocols: which groups stay whole, and whether one model is trained per subject or one on all."""

from collections.abc import Mapping
from dataclasses import dataclass

from mmbench.contract import Schema
from mmbench.errors import ProtocolError


@dataclass(frozen=True)
class Protocol:
    """How folds are made: the group that stays whole (None: single samples), one model per subject or for all."""

    name: str
    whole: str | None
    per_subject: bool
    one_out: bool = False
    summary: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """The groups a dataset must declare."""
        groups = {self.whole, "subject"} if self.per_subject or self.whole == "trial" else {self.whole}
        return tuple(sorted(group for group in groups if group))

    @property
    def strictness(self) -> tuple[int, bool, bool]:
        """Sort key: larger where larger groups are held out (sample, trial, subject), and for leave-one-out."""
        return {None: 0, "trial": 1, "subject": 2}[self.whole], self.one_out, self.per_subject


PROTOCOLS: Mapping[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "segment", None, True, summary="windows shuffled within a subject; leaks where trials have several windows"
        ),
        Protocol("trial", "trial", True, summary="whole trials held out, one model per subject"),
        Protocol("subject", "subject", False, summary="whole subjects held out, k folds"),
        Protocol("loso", "subject", False, one_out=True, summary="leave one subject out"),
        Protocol("pooled-segment", None, False, summary="samples shuffled over all subjects, one model"),
        Protocol("pooled-trial", "trial", False, summary="whole trials held out over all subjects, one model"),
    )
}


def default_protocol(schema: Schema) -> str:
    """The strictest protocol with k folds that a dataset's groups allow."""
    if "subject" in schema.groups:
        return "subject"
    return "pooled-segment"


def possible_protocols(schema: Schema) -> list[str]:
    """The protocols whose groups a dataset declares."""
    return [key for key, protocol in PROTOCOLS.items() if set(protocol.needs) <= set(schema.groups)]


def find_protocol(name: str, schema: Schema, dataset: str) -> Protocol:
    """The protocol ``name``; ProtocolError if it is unknown or the dataset lacks a group that it needs."""
    possible = possible_protocols(schema)
    if name not in PROTOCOLS:
        raise ProtocolError(f"no protocol {name!r}", where="--protocol", remedy=f"choose {', '.join(possible)}")
    if name not in possible:
        missing = [group for group in PROTOCOLS[name].needs if group not in schema.groups]
        raise ProtocolError(
            f"{dataset} declares no {' and no '.join(missing)} to hold out whole",
            where=f"--protocol {name}",
            remedy=f"choose {', '.join(possible)}",
        )
    return PROTOCOLS[name]
