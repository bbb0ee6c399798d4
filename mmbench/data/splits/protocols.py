"""Protocols: which groups stay whole, how folds follow, and whether one model is trained per subject or for all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mmbench.contract import Schema
from mmbench.errors import ProtocolError
from mmbench.registry import did_you_mean

Folding = Literal["k", "each", "official", "time"]
"""``k`` folds of whole groups, a fold for ``each`` group, the ``official`` split, or consecutive blocks in ``time``."""

GROUP = "group:"
_NESTED_RANK = {None: 0, "trial": 1, "session": 2, "subject": 4}
_OTHER_RANK = 3
_AROUND_TRIALS = ("session", "run")


@dataclass(frozen=True)
class Protocol:
    """How folds are made: the group that stays whole (None: single samples), one model per subject or for all."""

    name: str
    whole: str | None
    per_subject: bool
    folding: Folding = "k"
    summary: str = ""

    @property
    def one_out(self) -> bool:
        """Whether each group is the test part of a fold of its own."""
        return self.folding == "each"

    @property
    def counts_folds(self) -> bool:
        """Whether the number of folds is chosen by the user."""
        return self.folding in ("k", "time")

    @property
    def spans_subjects(self) -> bool:
        """Whether subjects in both parts are an overlap to report: by the other protocols they are, or never are."""
        return self.folding == "official" or self.name.startswith(GROUP)

    @property
    def knows_subjects(self) -> bool:
        """Whether every subject is in both parts of a fold; of the others, the records say how many are."""
        return self.whole != "subject" and not self.spans_subjects

    def spans(self, group: str) -> bool:
        """Whether the group is in both parts by design: a session, which has several trials, where trials are held out.

        Scores do not hold for a new one, as they do not for a new subject where each has a model.
        """
        return self.whole == "trial" and group in _AROUND_TRIALS

    @property
    def needs(self) -> tuple[str, ...]:
        """The groups a dataset must declare."""
        if self.folding in ("official", "time"):
            return ()
        groups = {self.whole, "subject"} if self.per_subject or self.name == "pooled-trial" else {self.whole}
        return tuple(sorted(group for group in groups if group))

    @property
    def strictness(self) -> tuple[int, bool, bool]:
        """Sort key: larger where larger groups are held out (sample, trial ... subject), and for leave-one-out."""
        return _NESTED_RANK.get(self.whole, _OTHER_RANK), self.one_out, self.per_subject


PROTOCOLS: Mapping[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "segment", None, True, summary="windows shuffled within a subject; leaks where trials have several windows"
        ),
        Protocol("trial", "trial", True, summary="whole trials held out, one model per subject"),
        Protocol("subject", "subject", False, summary="whole subjects held out, k folds"),
        Protocol("loso", "subject", False, "each", summary="leave one subject out"),
        Protocol("pooled-segment", None, False, summary="samples shuffled over all subjects, one model"),
        Protocol("pooled-trial", "trial", False, summary="whole trials held out over all subjects, one model"),
        Protocol("session", "session", True, summary="whole sessions held out, one model per subject"),
        Protocol("official", None, False, "official", summary="the parts of the dataset's own split"),
        Protocol(
            "time", None, True, "time", summary="later blocks tested after training on earlier ones, within a subject"
        ),
    )
}
"""Protocols by name; ``group:NAME`` is made for any group (`parse_protocol`)."""


def parse_protocol(name: str) -> Protocol:
    """The protocol ``name``, one of `PROTOCOLS` or ``group:NAME``; ProtocolError for any other."""
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    group = name.removeprefix(GROUP)
    if group == name or not group:
        raise ProtocolError(
            f"no protocol {name!r}", where="--protocol", remedy=did_you_mean(name, [*PROTOCOLS, f"{GROUP}NAME"])
        )
    return Protocol(name, group, False, summary=f"whole groups of one {group} held out, k folds, one model")


def is_protocol(name: str) -> bool:
    """Whether there is a protocol of that name, for some dataset."""
    return name in PROTOCOLS or (name.startswith(GROUP) and name != GROUP)


def default_protocol(schema: Schema) -> str:
    """The strictest protocol with k folds that a dataset's groups allow: subjects, else the first other group whole.

    Trials alone do not count: without subjects their names need not identify them.
    """
    if "subject" in schema.groups:
        return "subject"
    others = [group for group in schema.groups if group != "trial"]
    return f"{GROUP}{others[0]}" if others else "pooled-segment"


def possible_protocols(schema: Schema) -> list[str]:
    """The protocols whose groups a dataset declares.

    ``official`` and ``time`` are not among them: only the samples show whether they have parts or times.
    """
    named = [
        key
        for key, protocol in PROTOCOLS.items()
        if protocol.folding in ("k", "each") and set(protocol.needs) <= set(schema.groups)
    ]
    grouped = [f"{GROUP}{group}" for group in schema.groups]
    return [*named, *(name for name in grouped if _find_equal(parse_protocol(name), schema) is None)]


def find_protocol(name: str, schema: Schema, dataset: str) -> Protocol:
    """The protocol ``name``; ProtocolError if it is unknown or the dataset lacks a group that it needs.

    A ``group:NAME`` that cuts the folds of a protocol with a name of its own is that protocol: ``group:subject`` is
    ``subject``.
    """
    possible = possible_protocols(schema)
    remedy = f"choose {', '.join(possible)}; or official or time, if samples have parts or times"
    if not is_protocol(name):
        raise ProtocolError(f"no protocol {name!r}", where="--protocol", remedy=remedy)
    protocol = parse_protocol(name)
    if missing := [group for group in protocol.needs if group not in schema.groups]:
        raise ProtocolError(
            f"{dataset} declares no {' and no '.join(missing)} to hold out whole",
            where=f"--protocol {name}",
            remedy=remedy,
        )
    return _find_equal(protocol, schema) or protocol


def _find_equal(protocol: Protocol, schema: Schema) -> Protocol | None:
    """The named protocol with the folds of a ``group:NAME``; None if there is none."""
    for named in PROTOCOLS.values():
        same = (named.whole, named.per_subject, named.folding) == (
            protocol.whole,
            protocol.per_subject,
            protocol.folding,
        )
        if same and set(named.needs) <= set(schema.groups):
            return named
    return None
