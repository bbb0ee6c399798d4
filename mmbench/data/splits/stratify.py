"""Stratification of whole groups: every class in the training and the validation part, where possible."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Names = NDArray[np.str_]
Order = Callable[[Names, str], Names]
"""Shuffles names; the order depends on the purpose."""
Classes = Mapping[str, frozenset[int]]
"""The classes that the samples of each group have."""


class Cut(NamedTuple):
    """The names of the groups in the test part and in the validation part of a fold."""

    test: Names
    validation: Names


def classes_of(names: Names, has: NDArray[np.bool_]) -> Classes:
    """The classes of each group, from the group of every sample and which classes it has ``(n, C)``."""
    groups, of = np.unique(names, return_inverse=True)
    there = np.zeros((len(groups), has.shape[1]), dtype=bool)
    np.logical_or.at(there, of, has)
    return {str(name): frozenset(np.flatnonzero(each).tolist()) for name, each in zip(groups, there, strict=True)}


def cover_classes(cuts: Sequence[Cut], classes: Classes, order: Order, *, may_move_tests: bool) -> list[Cut]:
    """The cuts, or stratified ones in which fewer training and validation parts lack a class.

    Stratified cuts have other validation parts and, with ``may_move_tests``, other test parts. A validation part has
    more groups than before only where it needs them to have every class.
    """
    candidates = [list(cuts), _stratify_validation([cut.test for cut in cuts], cuts, classes, order)]
    if may_move_tests:
        candidates.append(_stratify_validation(_stratify_tests(classes, len(cuts), order), cuts, classes, order))
    return min(candidates, key=lambda each: sum(_count_missing(cut, classes) for cut in each))


def _stratify_tests(classes: Classes, n_parts: int, order: Order) -> list[Names]:
    """The test parts: groups assigned in turn, ordered by their classes, the rarest first."""
    strata: dict[tuple[int, ...], list[str]] = {}
    for name in sorted(classes):
        strata.setdefault(tuple(sorted(classes[name])), []).append(name)
    by_size = sorted(strata.items(), key=lambda item: (len(item[1]), item[0]))
    ordered = [name for _, names in by_size for name in order(np.array(names), "test in strata").tolist()]
    return [np.array(sorted(ordered[part::n_parts])) for part in range(n_parts)]


def _stratify_validation(tests: Sequence[Names], cuts: Sequence[Cut], classes: Classes, order: Order) -> list[Cut]:
    all_names = np.array(sorted(classes))
    found = []
    for index, (test, cut) in enumerate(zip(tests, cuts, strict=True)):
        rest = order(np.setdiff1d(all_names, test), f"validation {index} in strata").tolist()
        n_validation = min(len(cut.validation), len(rest) - 1)
        found.append(Cut(test, np.array(sorted(_choose_validation(rest, n_validation, classes)))))
    return found


def _choose_validation(rest: Sequence[str], n_validation: int, classes: Classes) -> list[str]:
    """At least ``n_validation`` groups, more where needed for every class; the rarest classes first.

    A class that only one group has stays in the training part.
    """
    remaining = Counter(label for name in rest for label in classes[name])
    validation: dict[str, None] = {}  # as a set, in order

    def take(names: Iterator[str]) -> None:
        if len(validation) < len(rest) - 1 and (name := next(names, None)) is not None:
            validation[name] = None
            remaining.subtract(classes[name])

    def is_spare(name: str) -> bool:
        return name not in validation and all(remaining[label] > 1 for label in classes[name])

    for label in sorted(remaining, key=lambda label: (remaining[label], label)):
        if not any(label in classes[name] for name in validation):
            take(name for name in rest if label in classes[name] and is_spare(name))
    for wanted in (is_spare, lambda name: name not in validation):
        for name in rest:
            if len(validation) < n_validation and wanted(name):
                take(iter([name]))
    return list(validation)


def _count_missing(cut: Cut, classes: Classes) -> int:
    """The number of classes that the training part lacks plus those that the validation part lacks."""
    every = frozenset[int]().union(*classes.values())
    validation = frozenset(cut.validation.tolist())
    train = classes.keys() - validation - frozenset(cut.test.tolist())
    return sum(len(every - frozenset[int]().union(*(classes[name] for name in part))) for part in (train, validation))
