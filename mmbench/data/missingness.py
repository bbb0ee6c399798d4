"""What of a prepared dataset is missing or was guessed, counted so that people and records can be told."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmbench.contract import Schema
from mmbench.data.store import read_inferred, read_presence

MissingCounts = Mapping[str, Mapping[str, int]]
"""By modality: ``present`` and ``inferred`` instances, and ``without``, the samples that have none of it."""


@dataclass(frozen=True)
class Dropped:
    """What ``--bad drop`` left out: of each sample in ``dropped`` and of each whole unit in ``lost``, the reason."""

    dropped: list[str] = field(default_factory=list)
    lost: dict[str, str] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        """The reason for each, whole units first."""
        return [*(f"unit {unit}: {why}" for unit, why in self.lost.items()), *self.dropped]

    def told(self, n_left: int, most: int = 5) -> Iterator[str]:
        """What was left out, for people: the first reasons, and how much it is beside ``n_left`` samples."""
        reasons = Counter(self.lines)  # a video that cannot be read, say, is that of many samples
        for line, n in list(reasons.items())[:most]:
            yield f"left out: {line}" + (f" ({n} samples)" if n > 1 else "")
        if (more := sum(list(reasons.values())[most:])) > 0:
            yield f"left out: {more} more {'sample' if more == 1 else 'samples'}"
        if total := dropped_line(len(self.dropped), list(self.lost)):
            yield f"{total}; {n_left} sample{'' if n_left == 1 else 's'} left"


def dropped_line(n_dropped: int, lost: Sequence[str]) -> str:
    """How many unusable samples and whole units were left out, in one line; empty where none was."""
    parts = []
    if n_dropped:
        parts.append(f"{n_dropped} unusable sample{' was' if n_dropped == 1 else 's were'} left out")
    if lost:
        parts.append(f"{len(lost)} unusable unit{' was' if len(lost) == 1 else 's were'} left out: {join_names(lost)}")
    return "; ".join(parts)


def count_missing(parts: Sequence[Path], schema: Schema) -> dict[str, dict[str, int]]:
    """The gaps of the modalities that have any, over prepared files."""
    gaps = {}
    for modality in schema.modalities:
        present = [read_presence(part, modality.name) for part in parts]
        inferred = [read_inferred(part, modality.name) for part in parts]
        counts = {
            "present": sum(int(marks.sum()) for marks in present),
            "inferred": sum(int(marks.sum()) for marks in inferred),
            "without": sum(int((~marks.any(axis=1)).sum()) for marks in present),
        }
        if counts["inferred"] or counts["without"]:
            gaps[modality.name] = counts
    return gaps


def missingness_lines(gaps: MissingCounts) -> list[str]:
    """A line for each modality with gaps, for people."""
    return [f"{name}: {', '.join(_parts(counts))}" for name, counts in gaps.items()]


def left_out_lines(left_out: Mapping[str, str]) -> list[str]:
    """A line for each reason why a part of a dataset is not used, for people."""
    by_reason: dict[str, list[str]] = {}
    for what, reason in left_out.items():
        by_reason.setdefault(reason, []).append(what)
    return [f"left out: {join_names(names)}: {reason}" for reason, names in by_reason.items()]


def join_names(names: Sequence[str], *, count: bool = True) -> str:
    """Names one after the other; of more than three the first, the last, and with ``count`` how many."""
    if len(names) <= 3:
        return ", ".join(names)
    return f"{names[0]}, {names[1]}, ... {names[-1]}" + (f" ({len(names)})" if count else "")


def _parts(counts: Mapping[str, int]) -> Iterator[str]:
    if counts["inferred"]:
        yield f"{counts['inferred'] / counts['present']:.1%} of the instances inferred"
    if counts["without"]:
        yield f"{counts['without']} samples without"
