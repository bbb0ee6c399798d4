"""What of a prepared dataset is missing or was guessed, counted so that people and records can be told."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mmbench.store import read_inferred, read_presence
from mmbench.types import Schema

Gaps = Mapping[str, Mapping[str, int]]
"""By modality: ``present`` and ``inferred`` instances, and ``without``, the samples that have none of it."""


def count_gaps(parts: Sequence[Path], schema: Schema) -> dict[str, dict[str, int]]:
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


def gap_lines(gaps: Gaps) -> list[str]:
    """A line for each modality with gaps, for people."""
    return [f"{name}: {', '.join(_parts(counts))}" for name, counts in gaps.items()]


def left_out_lines(left_out: Mapping[str, str]) -> list[str]:
    """A line for each reason why a part of a dataset is not used, for people."""
    by_reason: dict[str, list[str]] = {}
    for what, reason in left_out.items():
        by_reason.setdefault(reason, []).append(what)
    return [f"left out: {_enumerated(names)}: {reason}" for reason, names in by_reason.items()]


def _enumerated(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{names[0]}, {names[1]}, ... {names[-1]} ({len(names)})"


def _parts(counts: Mapping[str, int]) -> Iterator[str]:
    if counts["inferred"]:
        yield f"{counts['inferred'] / counts['present']:.1%} of the instances inferred"
    if counts["without"]:
        yield f"{counts['without']} samples without"
