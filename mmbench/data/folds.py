"""Folds of a protocol, made from sample ids and groups, with a fingerprint."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mmbench.data.protocols import Protocol
from mmbench.data.stratify import Cut, classes_of, cover_classes
from mmbench.errors import ProtocolError
from mmbench.storage import digest

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Fold:
    """Rows of the training, the validation and the test part, sorted and disjoint."""

    name: str
    train: Rows
    validation: Rows
    test: Rows


def make_folds(
    ids: NDArray[np.str_],
    groups: Mapping[str, NDArray[np.str_]],
    protocol: Protocol,
    n_folds: int = 5,
    seed: int = 0,
    validation: float = 0.2,
    labels: NDArray[np.int64] | None = None,
) -> list[Fold]:
    """The folds of a protocol over the samples ``ids``.

    Every sample is in exactly one test part. The validation part is the share ``validation`` of the other samples, at
    least one group, and keeps the same groups whole. With fewer groups than ``n_folds`` there is one fold per group.
    Where training or validation parts lack one of the ``labels``, folds are stratified by class if fewer parts lack one
    then; other folds are the same with and without labels. Raises ProtocolError if there are fewer than three groups
    or no group is left for validation.
    """
    if n_folds < 2:
        raise ProtocolError(
            f"{n_folds} {'fold is' if n_folds == 1 else 'folds are'} too few",
            where="--folds",
            remedy="use 2 or more",
        )
    if not len(ids):
        raise ProtocolError(
            "there are no samples to split", remedy="see which samples were left out during preparation"
        )
    order = np.argsort(ids, kind="stable")
    whole_groups = _split_groups(ids, groups, protocol)
    folds: list[Fold] = []
    for scope, rows in _split_scopes(order, groups, protocol):
        names = np.unique(whole_groups[rows])
        count = _check_count(len(names), protocol, n_folds, scope)
        cuts = _cut(names, count, seed, scope, validation)
        cut = _name_folds(cuts, protocol, scope, rows, whole_groups)
        if labels is not None and find_missing_classes(cut, labels, np.unique(labels[rows])):
            classes = classes_of(whole_groups[rows], labels[rows])
            shuffle = partial(_shuffle_for, seed, scope)
            cuts = cover_classes(cuts, classes, shuffle, may_move_tests=not protocol.one_out)
            cut = _name_folds(cuts, protocol, scope, rows, whole_groups)
        folds += cut
    return folds


def _cut(names: NDArray[np.str_], count: int, seed: int, scope: str, validation: float) -> list[Cut]:
    cuts = []
    for index, tested in enumerate(np.array_split(_shuffle(names, seed, scope, "test"), count)):
        rest = np.setdiff1d(names, tested)
        n_validated = min(max(1, round(validation * len(rest))), len(rest) - 1)
        cuts.append(Cut(tested, _shuffle(rest, seed, scope, f"validation {index}")[:n_validated]))
    return cuts


def _name_folds(
    cuts: Sequence[Cut], protocol: Protocol, scope: str, rows: Rows, whole_groups: NDArray[np.str_]
) -> list[Fold]:
    folds = []
    for index, (tested, validated) in enumerate(cuts):
        name = tested[0] if protocol.one_out else "/".join(part for part in (scope, f"{index}") if part)
        folds.append(_fold(str(name), rows, whole_groups, tested, validated))
    return folds


def find_missing_classes(
    folds: Sequence[Fold], labels: NDArray[np.int64], classes: Iterable[int]
) -> dict[str, dict[int, int]]:
    """The number of folds whose training or validation part lacks a class, by part and class; without zeros."""
    wanted = [int(label) for label in classes]
    counts_by_part: dict[str, dict[int, int]] = {}
    for part in ("train", "validation"):
        there = [np.unique(labels[getattr(fold, part)]) for fold in folds]
        counts = {label: sum(label not in each for each in there) for label in wanted}
        if missing := {label: count for label, count in counts.items() if count}:
            counts_by_part[part] = missing
    return counts_by_part


def missing_class_lines(missing: Mapping[str, Mapping[str, int]], n_folds: int) -> list[str]:
    """A line for each part and class that is missing there, with the number of folds."""
    meaning = {"train": "the models there cannot learn it", "validation": "the epoch is chosen without this class"}
    part_names = {"train": "training", "validation": "validation"}
    return [
        f"the {part_names[part]} part of {count} of {n_folds} folds has no sample of {name}: {meaning[part]}"
        for part, counts in missing.items()
        for name, count in counts.items()
    ]


def make_full_fold(
    ids: NDArray[np.str_],
    groups: Mapping[str, NDArray[np.str_]],
    protocol: Protocol,
    seed: int = 0,
    validation: float = 0.2,
) -> Fold:
    """One fold of all samples with an empty test part; validation keeps the groups of the protocol whole."""
    whole_groups = _split_groups(ids, groups, protocol)
    names = np.unique(whole_groups)
    validated = _shuffle(names, seed, "", "validation of all")[: max(1, round(validation * len(names)))]
    return _fold("all samples", np.arange(len(ids)), whole_groups, names[:0], validated)


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


def split_fingerprint(folds: Sequence[Fold], ids: NDArray[np.str_]) -> str:
    """Digest of the sample ids in each part of each fold; equal fingerprints mean equal splits."""
    parts = [
        [fold.name, *(sorted(ids[rows].tolist()) for rows in (fold.train, fold.validation, fold.test))]
        for fold in folds
    ]
    return digest(parts)[:12]


def find_group_overlap(folds: Sequence[Fold], groups: Mapping[str, NDArray[np.str_]]) -> dict[str, float]:
    """The share of test samples whose group also has samples in training or validation, for each kind of group.

    Subjects are left out: a model per subject is trained on the subject it is tested on.
    """
    shares = {}
    for name in groups:
        if name != "subject":
            whole_groups = _within_subject(groups, name)
            shared = [
                np.isin(whole_groups[f.test], whole_groups[np.concatenate([f.train, f.validation])]) for f in folds
            ]
            shares[name] = float(np.concatenate(shared).mean())
    return shares


def _split_groups(
    ids: NDArray[np.str_], groups: Mapping[str, NDArray[np.str_]], protocol: Protocol
) -> NDArray[np.str_]:
    """The group of each sample that stays whole: its samples are in the same part of a fold."""
    if protocol.whole is None:
        return ids
    return groups["subject"] if protocol.whole == "subject" else _within_subject(groups, protocol.whole)


def combine_groups(groups: Mapping[str, NDArray[np.str_]], n_samples: int) -> NDArray[np.str_]:
    """All group names of each sample joined into one; the empty name for every sample if there are no groups."""
    if not groups:
        return np.full(n_samples, "", dtype=np.str_)
    first, *others = groups.values()
    for values in others:
        first = np.char.add(np.char.add(first, "\x1f"), values)
    return first


def _within_subject(groups: Mapping[str, NDArray[np.str_]], name: str) -> NDArray[np.str_]:
    """The names of a group, made unique by subject: the name of a trial may occur for several people."""
    own = {key: groups[key] for key in ("subject", name) if key in groups}
    return combine_groups(own, len(groups[name]))


def _split_scopes(
    order: Rows, groups: Mapping[str, NDArray[np.str_]], protocol: Protocol
) -> Iterator[tuple[str, Rows]]:
    """The sets of rows that are split separately: those of each subject, or all."""
    if not protocol.per_subject:
        yield "", order
        return
    for subject in np.unique(groups["subject"]):
        yield str(subject), order[groups["subject"][order] == subject]


def _shuffle_for(seed: int, scope: str, names: NDArray[np.str_], purpose: str) -> NDArray[np.str_]:
    return _shuffle(names, seed, scope, purpose)


def _shuffle(names: NDArray[np.str_], seed: int, scope: str, purpose: str) -> NDArray[np.str_]:
    # Seeded by scope and purpose: the folds of a subject do not change when another subject is added.
    material = hashlib.sha256(f"{seed}\x1f{scope}\x1f{purpose}".encode()).digest()
    order = np.random.default_rng(int.from_bytes(material[:8], "little")).permutation(len(names))
    return np.sort(names)[order]


def _fold(
    name: str, rows: Rows, whole_groups: NDArray[np.str_], tested: NDArray[np.str_], validated: NDArray[np.str_]
) -> Fold:
    is_test = np.isin(whole_groups[rows], tested)
    is_validated = np.isin(whole_groups[rows], validated)
    return Fold(
        name, np.sort(rows[~is_test & ~is_validated]), np.sort(rows[is_validated & ~is_test]), np.sort(rows[is_test])
    )
