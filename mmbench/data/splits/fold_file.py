"""The file of folds beside records, in a size that grows with the samples and not with samples times folds.

``{"format": 2, "ids": [...], "folds": [{"name": "0", "train": [[0, 40], [60, 100]], "validation": ..., "test": ...}]}``
has the ids of all samples once, and each part as ranges ``[first, after the last]`` of their positions. Lists of folds
with the ids of each part, which earlier versions wrote, are read, too.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.data.splits.fold import PARTS, Fold, Rows, split_fingerprint
from mmbench.storage import load_json, write_text

FOLDS_FILE = "folds.json"
_FORMAT = 2

Ranges = Sequence[Sequence[int]]


@dataclass(frozen=True)
class FoldFile:
    """The folds of a file: ``ids`` of the samples, and by name the ranges of each part."""

    ids: Sequence[str]
    ranges: Mapping[str, Mapping[str, Ranges]]

    def samples(self, name: str, part: str) -> tuple[str, ...]:
        """The ids of a part of a fold; KeyError where there is no such fold."""
        return tuple(self.ids[at] for first, after in self.ranges[name][part] for at in range(first, after))

    def rows(self, name: str, part: str) -> Rows:
        """The positions in ``ids`` of a part of a fold."""
        return _expand(self.ranges[name][part])

    @cached_property
    def fingerprint(self) -> str:
        """That of `split_fingerprint`."""
        return split_fingerprint(self._folds(), np.array(self.ids, dtype=np.str_))

    @property
    def overlapping(self) -> list[str]:
        """The names of folds with a sample in two of their parts."""
        return [fold.name for fold in self._folds() if _most_often(fold, len(self.ids)) > 1]

    def _folds(self) -> Iterator[Fold]:
        return (Fold(name, *(self.rows(name, part) for part in PARTS)) for name in self.ranges)


def make_fold_file(ids: NDArray[np.str_], folds: Sequence[Fold]) -> FoldFile:
    """The folds over ``ids`` ``(n,)``; samples of no fold are left out."""
    used = np.zeros(len(ids), dtype=bool)
    for fold in folds:
        for part in PARTS:
            used[getattr(fold, part)] = True
    position = np.cumsum(used) - 1
    ranges = {fold.name: {part: _as_ranges(position[getattr(fold, part)]) for part in PARTS} for fold in folds}
    return FoldFile(ids[used].tolist(), ranges)


def write_fold_file(path: Path, file: FoldFile) -> None:
    """Write a file of folds atomically."""
    folds = [{"name": name, **parts} for name, parts in file.ranges.items()]
    write_text(path, json.dumps({"format": _FORMAT, "ids": file.ids, "folds": folds}))


def read_fold_file(path: Path) -> FoldFile:
    """The folds of a file; OSError, or ValueError for what is not a file of folds."""
    plain = load_json(path)
    found = _read_listed(plain) if isinstance(plain, list) else _read_ranges(plain)
    if found is None:
        raise ValueError("it does not hold folds, each with its name and the samples of its parts")
    return found


def _as_ranges(rows: Rows) -> list[list[int]]:
    if not len(rows):
        return []
    breaks = np.flatnonzero(np.diff(rows) != 1) + 1
    first, last = rows[np.append(0, breaks)], rows[np.append(breaks - 1, len(rows) - 1)]
    return [[int(one), int(other) + 1] for one, other in zip(first, last, strict=True)]


def _expand(ranges: Ranges) -> Rows:
    parts = [np.arange(first, after, dtype=np.int64) for first, after in ranges]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _most_often(fold: Fold, n: int) -> int:
    """How often the most frequent sample occurs in the parts of a fold."""
    return int(np.bincount(np.concatenate([fold.train, fold.validation, fold.test]), minlength=n).max(initial=0))


def _read_ranges(plain: Any) -> FoldFile | None:
    if not isinstance(plain, dict) or plain.get("format") != _FORMAT:
        return None
    ids, folds = plain.get("ids"), plain.get("folds")
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids) or len(set(ids)) < len(ids):
        return None
    if not isinstance(folds, list) or not all(_is_fold(fold) for fold in folds):
        return None
    if not all(_is_range(each, len(ids)) for fold in folds for part in PARTS for each in fold[part]):
        return None
    return FoldFile(ids, {fold["name"]: {part: fold[part] for part in PARTS} for fold in folds})


def _is_range(each: Any, n: int) -> bool:
    return (
        isinstance(each, list)
        and len(each) == 2
        and all(isinstance(at, int) and not isinstance(at, bool) for at in each)
        and 0 <= each[0] < each[1] <= n
    )


def _read_listed(plain: list[Any]) -> FoldFile | None:
    """Folds of mmbench 0.1, which list the ids of each part."""
    if not all(_is_fold(fold) for fold in plain):
        return None
    if not all(isinstance(sample, str) for fold in plain for part in PARTS for sample in fold[part]):
        return None
    ids = list(dict.fromkeys(sample for fold in plain for part in PARTS for sample in fold[part]))
    at = {sample: position for position, sample in enumerate(ids)}
    ranges = {
        fold["name"]: {
            part: _as_ranges(np.array([at[sample] for sample in fold[part]], dtype=np.int64)) for part in PARTS
        }
        for fold in plain
    }
    return FoldFile(ids, ranges)


def _is_fold(fold: Any) -> bool:
    return (
        isinstance(fold, dict)
        and isinstance(fold.get("name"), str)
        and all(isinstance(fold.get(part), list) for part in PARTS)
    )
