"""Folds, cut once from ids and groups and named by a fingerprint."""

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
    """Rows of the training, the validation and the test part; sorted, disjoint."""

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
    """Cut the folds of a protocol over the samples ``ids``.

    Every sample is tested exactly once. The validation part is ``validation`` of what is not tested, at least one
    group, and keeps the same groups whole. With fewer groups than ``n_folds`` there is a fold a group. Where a training
    or validation part lacks one of the ``labels``, groups are shared out by their classes if fewer then do; all other
    folds are the same with and without labels. Raises ProtocolError when there are fewer than three groups to share
    out, or too few for so few folds.
    """
    if n_folds < 2:
        raise ProtocolError(f"{n_folds} folds cannot be cut", where="--folds", remedy="ask for 2 or more")
    if not len(ids):
        raise ProtocolError("there are no samples to share out", remedy="see what was left out while preparing")
    order = np.argsort(ids, kind="stable")
    atoms = _atoms(ids, groups, protocol)
    folds: list[Fold] = []
    for scope, rows in _scopes(order, groups, protocol):
        names = np.unique(atoms[rows])
        count = _count(len(names), protocol, n_folds, scope)
        cuts = _cut(names, count, seed, scope, validation)
        cut = _name_folds(cuts, protocol, scope, rows, atoms)
        if labels is not None and find_missing_classes(cut, labels, np.unique(labels[rows])):
            classes = classes_of(atoms[rows], labels[rows])
            shuffle = partial(_shuffled_for, seed, scope)
            cuts = cover_classes(cuts, classes, shuffle, may_move_tests=not protocol.one_out)
            cut = _name_folds(cuts, protocol, scope, rows, atoms)
        folds += cut
    return folds


def _cut(names: NDArray[np.str_], count: int, seed: int, scope: str, validation: float) -> list[Cut]:
    cuts = []
    for index, tested in enumerate(np.array_split(_shuffled(names, seed, scope, "test"), count)):
        rest = np.setdiff1d(names, tested)
        n_held = min(max(1, round(validation * len(rest))), len(rest) - 1)
        cuts.append(Cut(tested, _shuffled(rest, seed, scope, f"validation {index}")[:n_held]))
    return cuts


def _name_folds(cuts: Sequence[Cut], protocol: Protocol, scope: str, rows: Rows, atoms: NDArray[np.str_]) -> list[Fold]:
    folds = []
    for index, (tested, held) in enumerate(cuts):
        name = tested[0] if protocol.one_out else "/".join(part for part in (scope, f"{index}") if part)
        folds.append(_fold(str(name), rows, atoms, tested, held))
    return folds


def find_missing_classes(
    folds: Sequence[Fold], labels: NDArray[np.int64], classes: Iterable[int]
) -> dict[str, dict[int, int]]:
    """In how many folds the training or the validation part lacks a class: by part and class, where any does."""
    wanted = [int(label) for label in classes]
    found: dict[str, dict[int, int]] = {}
    for part in ("train", "validation"):
        there = [np.unique(labels[getattr(fold, part)]) for fold in folds]
        counts = {label: sum(label not in each for each in there) for label in wanted}
        if lacking := {label: count for label, count in counts.items() if count}:
            found[part] = lacking
    return found


def missing_class_lines(lacking: Mapping[str, Mapping[str, int]], n_folds: int) -> list[str]:
    """A line for each part that lacks classes, by the number of folds in which it does, for people."""
    meaning = {"train": "no model can learn it there", "validation": "the epoch is chosen without it"}
    part_names = {"train": "training", "validation": "validation"}
    return [
        f"{part_names[part]} of {count} of {n_folds} folds holds no {name}: {meaning[part]}"
        for part, counts in lacking.items()
        for name, count in counts.items()
    ]


def make_full_fold(
    ids: NDArray[np.str_],
    groups: Mapping[str, NDArray[np.str_]],
    protocol: Protocol,
    seed: int = 0,
    validation: float = 0.2,
) -> Fold:
    """All samples in one fold that tests nothing; the validation part keeps the groups of the protocol whole."""
    atoms = _atoms(ids, groups, protocol)
    names = np.unique(atoms)
    held = _shuffled(names, seed, "", "validation of all")[: max(1, round(validation * len(names)))]
    return _fold("all samples", np.arange(len(ids)), atoms, names[:0], held)


def _count(n_names: int, protocol: Protocol, n_folds: int, scope: str) -> int:
    """How many folds; ProtocolError unless training, validation and test get a group each in all of them."""
    kind, where = f"{protocol.whole or 'sample'}(s)", f"in {scope}" if scope else "in all"
    if n_names < 3:
        raise ProtocolError(
            f"only {n_names} {kind} {where}",
            where=f"--protocol {protocol.name}",
            remedy="training, validation and test need one each: add data or choose another protocol",
        )
    count = n_names if protocol.one_out else min(n_folds, n_names)
    if n_names - -(-n_names // count) < 2:
        raise ProtocolError(
            f"{n_names} {kind} in {count} folds leave none for validation {where}",
            where="--folds",
            remedy=f"ask for {n_names}",
        )
    return count


def split_fingerprint(folds: Sequence[Fold], ids: NDArray[np.str_]) -> str:
    """Digest of who is in which part of which fold; equal fingerprints mean equal splits."""
    parts = [
        [fold.name, *(sorted(ids[rows].tolist()) for rows in (fold.train, fold.validation, fold.test))]
        for fold in folds
    ]
    return digest(parts)[:12]


def find_group_overlap(folds: Sequence[Fold], groups: Mapping[str, NDArray[np.str_]]) -> dict[str, float]:
    """The share of test samples whose trial, session ... also has samples in training or validation, by group.

    A subject is left out: one model a subject is meant to know the person.
    """
    shares = {}
    for name in groups:
        if name != "subject":
            atoms = _within_subject(groups, name)
            shared = [np.isin(atoms[f.test], atoms[np.concatenate([f.train, f.validation])]) for f in folds]
            shares[name] = float(np.concatenate(shared).mean())
    return shares


def _atoms(ids: NDArray[np.str_], groups: Mapping[str, NDArray[np.str_]], protocol: Protocol) -> NDArray[np.str_]:
    """What each sample shares its fate with."""
    if protocol.whole is None:
        return ids
    return groups["subject"] if protocol.whole == "subject" else _within_subject(groups, protocol.whole)


def combine_groups(groups: Mapping[str, NDArray[np.str_]], n_samples: int) -> NDArray[np.str_]:
    """All groups of each sample as one name; the same for every sample where there are none."""
    if not groups:
        return np.full(n_samples, "", dtype=np.str_)
    first, *others = groups.values()
    for values in others:
        first = np.char.add(np.char.add(first, "\x1f"), values)
    return first


def _within_subject(groups: Mapping[str, NDArray[np.str_]], name: str) -> NDArray[np.str_]:
    """The names of a group, told apart by subject: a trial's name need not be unique among people."""
    own = {key: groups[key] for key in ("subject", name) if key in groups}
    return combine_groups(own, len(groups[name]))


def _scopes(order: Rows, groups: Mapping[str, NDArray[np.str_]], protocol: Protocol) -> Iterator[tuple[str, Rows]]:
    """The rows that are split on their own: each subject's, or all."""
    if not protocol.per_subject:
        yield "", order
        return
    for subject in np.unique(groups["subject"]):
        yield str(subject), order[groups["subject"][order] == subject]


def _shuffled_for(seed: int, scope: str, names: NDArray[np.str_], purpose: str) -> NDArray[np.str_]:
    return _shuffled(names, seed, scope, purpose)


def _shuffled(names: NDArray[np.str_], seed: int, scope: str, purpose: str) -> NDArray[np.str_]:
    # Seeded by what is split, not by when: a subject's folds do not change when another subject is added.
    material = hashlib.sha256(f"{seed}\x1f{scope}\x1f{purpose}".encode()).digest()
    order = np.random.default_rng(int.from_bytes(material[:8], "little")).permutation(len(names))
    return np.sort(names)[order]


def _fold(name: str, rows: Rows, atoms: NDArray[np.str_], tested: NDArray[np.str_], held: NDArray[np.str_]) -> Fold:
    is_test = np.isin(atoms[rows], tested)
    is_held = np.isin(atoms[rows], held)
    return Fold(name, np.sort(rows[~is_test & ~is_held]), np.sort(rows[is_held & ~is_test]), np.sort(rows[is_test]))
