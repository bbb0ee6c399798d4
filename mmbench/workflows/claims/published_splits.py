"""Published splits of claim cards: what an audit of the file found, and whether a file of the user is that split."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, ClassVar

from mmbench.errors import SpecError
from mmbench.workflows.split_audit.overlaps import PARTS, SplitAudit
from mmbench.workflows.split_audit.split_files import compile_name

_AND = " and "


@dataclass(frozen=True)
class PublishedSplit:
    """The split of a publication, a CSV file of ids and parts that users have, and what an audit of it found.

    ``from_name`` and ``groups`` are those of ``mmbench audit --split``. ``sizes`` counts the samples of its parts.
    ``shared`` counts the test samples that share a group, or several such as ``actor and sentence``, with the training
    part. ``how`` describes how scores are obtained on the split, ``source`` cites it, ``url`` says where its file is.
    """

    __pydantic_config__: ClassVar[Mapping[str, str]] = {"extra": "forbid"}
    how: str
    source: str
    sizes: Mapping[str, int]
    shared: Mapping[str, int]
    groups: tuple[str, ...] = ()
    from_name: str | None = None
    url: str = ""

    @property
    def shared_alone(self) -> tuple[str, ...]:
        """The groups, each alone, that a test sample shares with the training part."""
        return tuple(name for name, count in self.shared.items() if count and _AND not in name)

    def faults(self) -> Iterator[tuple[str, str, str]]:
        """Errors across keys, each with where, what, and the remedy."""
        for key in ("how", "source"):
            if not getattr(self, key).strip():
                yield f"[split] {key}", "is empty", "describe how scores are obtained on the split, and cite it"
        if set(self.sizes) - set(PARTS) or not {"train", "test"} <= set(self.sizes):
            yield "[split] sizes", f"has the keys {', '.join(self.sizes)}", "give train, test and perhaps validation"
        try:
            fields = tuple(compile_name(self.from_name).groupindex)
        except SpecError as error:
            yield "[split] from_name", error.message, error.remedy
            return
        groups = self.groups or fields
        known = {_AND.join(some) for size in range(1, len(groups) + 1) for some in combinations(groups, size)}
        for name, count in self.shared.items():
            if name not in known:
                yield f"[split] shared {name!r}", "is not of the groups", f"choose from {', '.join(sorted(known))}"
            elif not 0 <= count <= self.sizes.get("test", 0):
                yield f"[split] shared {name!r}", f"{count} is not a number of test samples", "correct it"


@dataclass(frozen=True)
class AuditedSplit:
    """The split of a card beside the ``audit`` of a file of the user, which is None where no file is given."""

    split: PublishedSplit
    audit: SplitAudit | None

    @property
    def shared(self) -> Mapping[str, int]:
        """The counts of the file by group, named as in the card; empty without a file."""
        return {_AND.join(each.groups): each.shared for each in self.audit.overlaps} if self.audit else {}

    @property
    def differs(self) -> bool:
        """Whether the file is not the split of the card: parts of other sizes, or other counts."""
        if self.audit is None:
            return False
        sizes = {part: self.split.sizes.get(part, 0) for part in PARTS}
        shared = self.shared
        return sizes != self.audit.parts or any(shared[name] != count for name, count in self.split.shared.items())

    def to_json(self) -> dict[str, Any]:
        """The card and the audit, for JSON."""
        audit = self.audit.to_json() if self.audit else None
        return {**asdict(self.split), "audit": audit, "differs": self.differs if audit else None}
