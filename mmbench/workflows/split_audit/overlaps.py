"""Audit of a split of somebody else: what test samples share with the training part, from ids and groups alone."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from mmbench.errors import DataError
from mmbench.results import Displayed
from mmbench.storage import counted
from mmbench.workflows.split_audit.split_files import SplitRow, read_split

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class GroupOverlap:
    """How many of the test samples, and of the groups they have, are in the training or validation part, too.

    ``groups`` are one kind of group or several in combination: both ``actor`` and ``sentence`` of a sample are then the
    same as those of one other sample. ``is_label``: its groups are the classes, which every part should have.
    """

    groups: tuple[str, ...]
    tested: int
    shared: int
    groups_tested: int
    groups_shared: int
    is_label: bool = False

    @property
    def share(self) -> float:
        """Share of the test samples."""
        return self.shared / self.tested

    @property
    def leaks(self) -> bool:
        """Whether a single kind of group that is not the label is shared."""
        return len(self.groups) == 1 and self.shared > 0 and not self.is_label


@dataclass(frozen=True, repr=False)
class SplitAudit(Displayed):
    """Audit of a split: ``parts`` counts the samples of train, validation and test, ``unassigned`` those of no part.

    ``classes`` counts the samples of each class by part, and is empty where the file has no labels. ``repeated`` ids
    occur several times in one part, ``straddling`` ids and ``shared_files`` in several parts. A class "" has no label.
    ``validation_in_test`` counts the ids of the validation part that are also in the test part; ``validation_is_test``
    is true where both parts have the same ids. ``overlaps`` has every combination of groups.
    """

    path: str
    parts: Mapping[str, int]
    unassigned: int
    classes: Mapping[str, Mapping[str, int]]
    repeated: tuple[str, ...]
    straddling: tuple[str, ...]
    shared_files: tuple[str, ...]
    validation_in_test: int
    validation_is_test: bool
    overlaps: tuple[GroupOverlap, ...]

    @property
    def leaks(self) -> bool:
        """Whether an id, a file or a single kind of group is on both sides."""
        return bool(self.straddling or self.shared_files or any(overlap.leaks for overlap in self.overlaps))

    @property
    def summary(self) -> str:
        """The file, and what its parts share, in one line."""
        shared = counted(sum(overlap.share > 0 and not overlap.is_label for overlap in self.overlaps), "combination")
        return f"{self.path}: {counted(len(self.straddling), 'id')} and {shared} of groups in several parts"

    def to_json(self) -> dict[str, Any]:
        """All values."""
        overlaps = [{**asdict(overlap), "share": overlap.share, "leaks": overlap.leaks} for overlap in self.overlaps]
        return {**asdict(self), "overlaps": overlaps, "leaks": self.leaks}


def audit_split(path: Path | str, groups: Sequence[str] = (), from_name: str | None = None) -> SplitAudit:
    """Audit the split in a CSV file with the columns ``id`` and ``part`` (or ``split``), and perhaps ``label``.

    ``groups`` are columns of the file or groups of ``from_name``, a regular expression with named groups or fields such
    as ``{actor}_{sentence}``, which every id must match as a whole; by default all that ``from_name`` names. Raises
    DataError for a file that cannot be read as such a split, SpecError for groups that it does not have.
    """
    path = Path(path)  # in Python, a path may be a str
    rows = read_split(path, groups, from_name)
    counts = Counter(row.part for row in rows)
    if not counts["test"] or not counts["train"]:
        raise DataError(
            f"has no sample in the {'training' if counts['test'] else 'test'} part",
            where=path,
            remedy="an audit needs both",
        )
    ids = {part: {row.id for row in rows if row.part == part} for part in PARTS}
    return SplitAudit(
        str(path),
        {part: counts[part] for part in PARTS},
        counts[""],
        _count_classes(rows),
        tuple(sorted({name for (name, _), times in _places(rows).items() if times > 1})),
        _in_several_parts((row.id, row.part) for row in rows),
        _in_several_parts((file, row.part) for row in rows for file in row.files),
        len(ids["validation"] & ids["test"]),
        ids["validation"] == ids["test"],
        tuple(_overlaps(rows, ids["test"])),
    )


def _places(rows: Sequence[SplitRow]) -> Counter[tuple[str, str]]:
    return Counter((row.id, row.part) for row in rows if row.part)


def _in_several_parts(places: Iterator[tuple[str, str]]) -> tuple[str, ...]:
    """The names that are in more than one part, sorted."""
    parts = defaultdict(set)
    for name, part in places:
        parts[name].update([part] if part else [])
    return tuple(sorted(name for name, found in parts.items() if len(found) > 1))


def _count_classes(rows: Sequence[SplitRow]) -> dict[str, dict[str, int]]:
    counts = Counter((row.label, row.part) for row in rows if row.label is not None and row.part)
    return {
        label: {part: counts[label, part] for part in PARTS} for label in sorted({str(label) for label, _ in counts})
    }


def _overlaps(rows: Sequence[SplitRow], test_ids: set[str]) -> Iterator[GroupOverlap]:
    names = tuple(rows[0].groups)
    # Test samples that are also validation samples share their groups with themselves: the ids tell of them.
    others = [row for row in rows if row.part == "train" or (row.part == "validation" and row.id not in test_ids)]
    tests = [row for row in rows if row.part == "test"]
    for size in range(1, len(names) + 1):
        for chosen in combinations(names, size):
            known = {_pick(row, chosen) for row in others}
            tested = [_pick(row, chosen) for row in tests]
            yield GroupOverlap(
                chosen,
                len(tested),
                sum(group in known for group in tested),
                len(set(tested)),
                len(set(tested) & known),
                size == 1 and _is_label(rows, chosen[0]),
            )


def _pick(row: SplitRow, chosen: Sequence[str]) -> tuple[str, ...]:
    return tuple(row.groups[name] for name in chosen)


def _is_label(rows: Sequence[SplitRow], name: str) -> bool:
    """Whether each group is one class and each class one group."""
    pairs = {(row.groups[name], row.label) for row in rows if row.part}
    groups, labels = {group for group, _ in pairs}, {label for _, label in pairs}
    return None not in labels and len(pairs) == len(groups) == len(labels)
