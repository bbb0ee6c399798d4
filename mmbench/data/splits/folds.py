"""Folds of whole groups, made from sample ids and groups."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mmbench.data.splits.balance import cut_balanced
from mmbench.data.splits.classes import Indicators, find_missing_classes, indicate_classes
from mmbench.data.splits.fold import Fold, Rows, shuffle
from mmbench.data.splits.groups import group_names, rank_groups
from mmbench.data.splits.protocols import Protocol
from mmbench.data.splits.stratify import Cut, Order, classes_of, cover_classes
from mmbench.errors import ProtocolError


def make_folds(
    ids: NDArray[np.str_],
    groups: Mapping[str, NDArray[np.str_]],
    protocol: Protocol,
    n_folds: int = 5,
    seed: int = 0,
    validation: float = 0.2,
    labels: NDArray[np.int64] | None = None,
    strata: Indicators | None = None,
) -> list[Fold]:
    """The folds of a protocol over the samples ``ids``, k or one for each group.

    Every sample is in exactly one test part. The validation part is the share ``validation`` of the other samples, at
    least one group, and keeps the same groups whole. With fewer groups than ``n_folds`` there is one fold per group.
    With ``strata``, bool ``(N, S)``, each part has nearly the proportions of the whole. Where training or validation
    parts lack one of the ``labels`` (``(N,)`` or ``(N, L)``), groups are distributed by class if fewer parts lack one
    then; other folds are the same with and without labels. Raises ProtocolError if there are fewer than three groups
    or no group is left for validation.
    """
    check_n_folds(n_folds)
    check_not_empty(ids)
    order = np.argsort(ids, kind="stable")
    whole_groups = _split_groups(ids, groups, protocol)
    folds: list[Fold] = []
    for scope, rows in split_scopes(order, groups, protocol):
        names = np.unique(whole_groups[rows])
        count = _check_count(len(names), protocol, n_folds, scope)
        mine, order_names = whole_groups[rows], order_for(seed, scope)
        if strata is None:
            cuts = _cut(names, count, seed, scope, validation)
        else:
            cuts = cut_balanced(mine, strata[rows], count, order_names, validation, one_out=protocol.one_out)
        cut = _name_folds(cuts, protocol, scope, rows, whole_groups)
        if labels is not None and lacks_class(cut, labels, rows):
            classes = classes_of(mine, indicate_classes(labels)[rows])
            cuts = cover_classes(cuts, classes, order_names, may_move_tests=not protocol.one_out)
            cut = _name_folds(cuts, protocol, scope, rows, whole_groups)
        folds += cut
    return folds


def check_n_folds(n_folds: int) -> None:
    """Raise ProtocolError for fewer than two folds."""
    if n_folds < 2:
        raise ProtocolError(
            f"{n_folds} {'fold is' if n_folds == 1 else 'folds are'} too few",
            where="--folds",
            remedy="use 2 or more",
        )


def check_not_empty(ids: NDArray[np.str_]) -> None:
    """Raise ProtocolError if there is no sample."""
    if not len(ids):
        raise ProtocolError(
            "there are no samples to split", remedy="see which samples were left out during preparation"
        )


def lacks_class(folds: Sequence[Fold], labels: NDArray[np.int64], rows: Rows) -> bool:
    """Whether a training or validation part lacks a class that samples of ``rows`` have."""
    return bool(find_missing_classes(folds, labels, np.flatnonzero(indicate_classes(labels)[rows].any(axis=0))))


def count_validated(n_names: int, share: float) -> int:
    """How many of two or more groups are the validation part: near the share, with one or more on each side."""
    return min(max(1, round(share * n_names)), n_names - 1)


def _cut(names: NDArray[np.str_], count: int, seed: int, scope: str, validation: float) -> list[Cut]:
    cuts = []
    for index, tested in enumerate(np.array_split(shuffle(names, seed, scope, "test"), count)):
        rest = np.setdiff1d(names, tested)
        n_validated = count_validated(len(rest), validation)
        cuts.append(Cut(tested, shuffle(rest, seed, scope, f"validation {index}")[:n_validated]))
    return cuts


def _name_folds(
    cuts: Sequence[Cut], protocol: Protocol, scope: str, rows: Rows, whole_groups: NDArray[np.str_]
) -> list[Fold]:
    folds = []
    for index, cut in enumerate(cuts):
        name = cut.test[0] if protocol.one_out else name_fold(scope, index)
        folds.append(fold_of(str(name), rows, whole_groups, cut))
    return folds


def name_fold(scope: str, index: int) -> str:
    """The name of a fold: its number, after the subject where each has a model."""
    return "/".join(part for part in (scope, f"{index}") if part)


def make_full_fold(
    ids: NDArray[np.str_],
    groups: Mapping[str, NDArray[np.str_]],
    protocol: Protocol,
    seed: int = 0,
    validation: float = 0.2,
) -> Fold:
    """One fold of all samples with an empty test part; validation keeps the groups of the protocol whole.

    Under ``official`` and ``time``, these are the strictest groups that the dataset declares.
    """
    if protocol.folding in ("official", "time"):
        _, whole_groups = find_validation_groups(ids, groups)
    else:
        whole_groups = _split_groups(ids, groups, protocol)
    names = np.unique(whole_groups)
    validated = shuffle(names, seed, "", "validation of all")[: max(1, round(validation * len(names)))]
    return fold_of("all samples", np.arange(len(ids)), whole_groups, Cut(names[:0], validated))


def find_validation_groups(
    ids: NDArray[np.str_], groups: Mapping[str, NDArray[np.str_]]
) -> tuple[str, NDArray[np.str_]]:
    """The strictest kind of group of which there are three or more, and the group of each sample; else the samples."""
    for name in rank_groups(groups):
        names = group_names(groups, name)
        if len(np.unique(names)) >= 3:
            return name, names
    return "sample", ids


def _check_count(n_names: int, protocol: Protocol, n_folds: int, scope: str) -> int:
    """The number of folds; ProtocolError unless each part of each fold gets at least one group."""
    kind = f"{protocol.whole or 'sample'}{'' if n_names == 1 else 's'}"
    where = f" in {scope}" if scope else ""
    if n_names < 3:
        raise ProtocolError(
            f"only {n_names} {kind}{where}",
            where=f"--protocol {protocol.name}",
            remedy="training, validation and test need at least one each: add data or choose another protocol",
        )
    count = n_names if protocol.one_out else min(n_folds, n_names)
    if n_names - -(-n_names // count) < 2:
        raise ProtocolError(
            f"{n_names} {kind}{where} in {count} folds leave none for validation",
            where="--folds",
            remedy=f"use {n_names}",
        )
    return count


def _split_groups(
    ids: NDArray[np.str_], groups: Mapping[str, NDArray[np.str_]], protocol: Protocol
) -> NDArray[np.str_]:
    """The group of each sample that stays whole: its samples are in the same part of a fold."""
    return ids if protocol.whole is None else group_names(groups, protocol.whole)


def split_scopes(order: Rows, groups: Mapping[str, NDArray[np.str_]], protocol: Protocol) -> Iterator[tuple[str, Rows]]:
    """The sets of rows that are split separately: those of each subject, or all."""
    if not protocol.per_subject or "subject" not in groups:
        yield "", order
        return
    for subject in np.unique(groups["subject"]):
        yield str(subject), order[groups["subject"][order] == subject]


def order_for(seed: int, scope: str) -> Order:
    """Shuffles names by ``seed``, ``scope`` and the purpose."""
    return partial(_shuffle_for, seed, scope)


def _shuffle_for(seed: int, scope: str, names: NDArray[np.str_], purpose: str) -> NDArray[np.str_]:
    return shuffle(names, seed, scope, purpose)


def fold_of(name: str, rows: Rows, whole_groups: NDArray[np.str_], cut: Cut) -> Fold:
    """The fold of ``rows`` in which the groups of a cut are tested and validated, and the others trained on."""
    is_test = np.isin(whole_groups[rows], cut.test)
    is_validated = np.isin(whole_groups[rows], cut.validation)
    return Fold(
        name, np.sort(rows[~is_test & ~is_validated]), np.sort(rows[is_validated & ~is_test]), np.sort(rows[is_test])
    )
