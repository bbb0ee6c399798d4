"""Cuts of whole groups that give the training and the validation part of every fold every class, where that can be."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Names = NDArray[np.str_]
Order = Callable[[Names, str], Names]
"""Puts names into a random order of its own for each purpose."""
Classes = Mapping[str, frozenset[int]]
"""The classes that the samples of each group have."""


class Cut(NamedTuple):
    """The names of the groups of a fold that are tested, and of those held out for validation."""

    tested: Names
    held: Names


def classes_of(names: Names, labels: NDArray[np.int64]) -> Classes:
    """The classes of each group, from the group and the label of every sample."""
    found: dict[str, set[int]] = {}
    for name, label in zip(names.tolist(), labels.tolist(), strict=True):
        found.setdefault(name, set()).add(label)
    return {name: frozenset(labels) for name, labels in found.items()}


def cover_classes(cuts: Sequence[Cut], classes: Classes, order: Order, *, may_move_tests: bool) -> list[Cut]:
    """The cuts, or others in which fewer training and validation parts lack a class.

    In the others, only the validation parts differ, or, where they may, the tested parts, too. A validation part has
    more groups than before only where it takes them to hold every class.
    """
    candidates = [list(cuts), _hold_others([cut.tested for cut in cuts], cuts, classes, order)]
    if may_move_tests:
        candidates.append(_hold_others(_deal(classes, len(cuts), order), cuts, classes, order))
    return min(candidates, key=lambda each: sum(_count_lacking(cut, classes) for cut in each))


def _deal(classes: Classes, n_parts: int, order: Order) -> list[Names]:
    """All groups dealt out in turn, those with the same classes one after the other, the rarest first."""
    strata: dict[tuple[int, ...], list[str]] = {}
    for name in sorted(classes):
        strata.setdefault(tuple(sorted(classes[name])), []).append(name)
    by_size = sorted(strata.items(), key=lambda item: (len(item[1]), item[0]))
    dealt = [name for _, names in by_size for name in order(np.array(names), "test in strata").tolist()]
    return [np.array(sorted(dealt[part::n_parts])) for part in range(n_parts)]


def _hold_others(tests: Sequence[Names], cuts: Sequence[Cut], classes: Classes, order: Order) -> list[Cut]:
    all_names = np.array(sorted(classes))
    found = []
    for index, (tested, cut) in enumerate(zip(tests, cuts, strict=True)):
        rest = order(np.setdiff1d(all_names, tested), f"validation {index} in strata").tolist()
        n_held = min(len(cut.held), len(rest) - 1)
        found.append(Cut(tested, np.array(sorted(_hold(rest, n_held, classes)))))
    return found


def _hold(rest: Sequence[str], n_held: int, classes: Classes) -> list[str]:
    """So many groups, or as many more as it takes to have one of each class, the rarest first.

    A class that only one group has stays in the training part.
    """
    left = Counter(label for name in rest for label in classes[name])
    held: dict[str, None] = {}  # as a set, in order

    def take(names: Iterator[str]) -> None:
        if len(held) < len(rest) - 1 and (name := next(names, None)) is not None:
            held[name] = None
            left.subtract(classes[name])

    def is_spare(name: str) -> bool:
        return name not in held and all(left[label] > 1 for label in classes[name])

    for label in sorted(left, key=lambda label: (left[label], label)):
        if not any(label in classes[name] for name in held):
            take(name for name in rest if label in classes[name] and is_spare(name))
    for wanted in (is_spare, lambda name: name not in held):
        for name in rest:
            if len(held) < n_held and wanted(name):
                take(iter([name]))
    return list(held)


def _count_lacking(cut: Cut, classes: Classes) -> int:
    """Classes that the training part lacks, and those that the validation part does."""
    every = frozenset[int]().union(*classes.values())
    held = frozenset(cut.held.tolist())
    train = classes.keys() - held - frozenset(cut.tested.tolist())
    return sum(len(every - frozenset[int]().union(*(classes[name] for name in part))) for part in (train, held))
