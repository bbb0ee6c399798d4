"""Missing, inferred and changed instances of a prepared dataset, and excluded samples, counted and described."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mmbench.contract import Kind, Schema
from mmbench.storage import counted

if TYPE_CHECKING:
    import h5py

_NOUNS: Mapping[Kind, str] = {
    "timeseries": "recording",
    "audio": "recording",
    "image": "image",
    "video": "frame",
    "text": "text",
    "table": "row",
    "vector": "vector",
}
MissingCounts = Mapping[str, Mapping[str, int]]
"""By modality: the number of ``present`` and of ``inferred`` instances, and of samples ``without`` it."""


@dataclass(frozen=True)
class Exclusions:
    """What ``--bad drop`` left out: a reason for each sample in ``dropped`` and for each unit in ``lost``."""

    dropped: list[str] = field(default_factory=list)
    lost: dict[str, str] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        """The reason for each, whole units first."""
        return [*(f"unit {unit}: {why}" for unit, why in self.lost.items()), *self.dropped]

    def describe(self, n_left: int, most: int = 5) -> Iterator[str]:
        """Lines about what was left out: the first reasons, then totals beside the ``n_left`` remaining samples."""
        reasons = Counter(self.lines)  # a reason may be shared, as an unreadable video is by its samples
        for line, n in list(reasons.items())[:most]:
            yield f"left out: {line}" + (f" ({n} samples)" if n > 1 else "")
        if (more := sum(list(reasons.values())[most:])) > 0:
            yield f"left out: {more} more {'sample' if more == 1 else 'samples'}"
        if total := dropped_line(len(self.dropped), list(self.lost)):
            yield f"{total}; {n_left} sample{'' if n_left == 1 else 's'} left"


def dropped_line(n_dropped: int, lost: Sequence[str]) -> str:
    """One line with the numbers of samples and units left out; empty if there are none."""
    parts = []
    if n_dropped:
        parts.append(f"{n_dropped} unusable sample{' was' if n_dropped == 1 else 's were'} left out")
    if lost:
        parts.append(f"{len(lost)} unusable unit{' was' if len(lost) == 1 else 's were'} left out: {join_names(lost)}")
    return "; ".join(parts)


def count_missing(file: "h5py.File", schema: Schema) -> dict[str, dict[str, int]]:
    """The missingness of modalities that have missing or inferred instances, in an open prepared file."""
    counted = {}
    for modality in schema.modalities:
        present, inferred = (file[f"modalities/{modality.name}/{name}"][()] for name in ("present", "inferred"))
        counts = {
            "present": int(present.sum()),
            "inferred": int(inferred.sum()),
            "without": int((~present.any(axis=1)).sum()),
        }
        if counts["inferred"] or counts["without"]:
            counted[modality.name] = counts
    return counted


def missingness_lines(missing: MissingCounts) -> list[str]:
    """A line for each modality with missing or inferred instances."""
    return [f"{name}: {', '.join(_describe_counts(counts))}" for name, counts in missing.items()]


def sum_changes(parts: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, Counter[str]]:
    """The changes of all parts together: by modality, the number of instances by what was done."""
    total: dict[str, Counter[str]] = {}
    for part in parts:
        for name, counts in part.items():
            total.setdefault(name, Counter()).update(counts)
    return total


def change_lines(changes: Mapping[str, Mapping[str, int]], schema: Schema) -> list[str]:
    """A line for each way in which instances were changed, or in which they are unusual."""
    return [
        f"{counted(number, _NOUNS[schema.modality(name).kind])} of {name} {what}"
        for name, counts in changes.items()
        for what, number in counts.items()
    ]


def left_out_lines(left_out: Mapping[str, str]) -> list[str]:
    """A line for each reason why parts of a dataset are not used."""
    by_reason: dict[str, list[str]] = {}
    for what, reason in left_out.items():
        by_reason.setdefault(reason, []).append(what)
    return [f"left out: {join_names(names)}: {reason}" for reason, names in by_reason.items()]


def join_names(names: Sequence[str], *, count: bool = True) -> str:
    """Names joined by commas; of more than three the first two and the last, with ``count`` their number."""
    if len(names) <= 3:
        return ", ".join(names)
    return f"{names[0]}, {names[1]}, ... {names[-1]}" + (f" ({len(names)})" if count else "")


def _describe_counts(counts: Mapping[str, int]) -> Iterator[str]:
    if counts["inferred"]:
        yield f"{counts['inferred'] / counts['present']:.1%} of the instances inferred"
    if counts["without"]:
        yield f"{counts['without']} sample{'' if counts['without'] == 1 else 's'} without"
