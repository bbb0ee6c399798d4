"""A fold, a split of several folds, and its fingerprint."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmbench.storage import canonical_json

Rows = NDArray[np.int64]
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Fold:
    """Rows of the training, the validation and the test part, sorted and disjoint."""

    name: str
    train: Rows
    validation: Rows
    test: Rows


@dataclass(frozen=True)
class Split:
    """The folds of a protocol; ``notes`` say which samples are in no part and what was cut otherwise than declared."""

    folds: tuple[Fold, ...]
    notes: tuple[str, ...] = ()


def split_fingerprint(folds: Iterable[Fold], ids: NDArray[np.str_]) -> str:
    """Digest of the sample ids in each part of each fold; equal fingerprints mean equal splits.

    It is the `digest` of a list ``[name, train, validation, test]`` with sorted ids for each fold, of which one part is
    in memory at a time.
    """
    order = np.argsort(ids, kind="stable")
    rank = np.empty(len(ids), dtype=np.int64)
    rank[order] = np.arange(len(ids))
    quoted = np.array([canonical_json(name) for name in ids[order].tolist()], dtype=object)
    found = hashlib.sha256(b"[")
    for at, fold in enumerate(folds):
        found.update(f"{',' if at else ''}[{canonical_json(fold.name)}".encode())
        for rows in (fold.train, fold.validation, fold.test):
            found.update(f",[{','.join(quoted[np.sort(rank[rows])].tolist())}]".encode())
        found.update(b"]")
    found.update(b"]")
    return found.hexdigest()[:12]


def shuffle(names: NDArray[np.str_], seed: int, scope: str, purpose: str) -> NDArray[np.str_]:
    """The names in an order drawn from ``seed``, ``scope`` and ``purpose``."""
    # Seeded by scope and purpose: the folds of a subject do not change when another subject is added.
    material = hashlib.sha256(f"{seed}\x1f{scope}\x1f{purpose}".encode()).digest()
    order = np.random.default_rng(int.from_bytes(material[:8], "little")).permutation(len(names))
    return np.sort(names)[order]
