"""A fold, a split of several folds, and its fingerprint."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmbench.storage import digest

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


def split_fingerprint(folds: Sequence[Fold], ids: NDArray[np.str_]) -> str:
    """Digest of the sample ids in each part of each fold; equal fingerprints mean equal splits."""
    parts = [
        [fold.name, *(sorted(ids[rows].tolist()) for rows in (fold.train, fold.validation, fold.test))]
        for fold in folds
    ]
    return digest(parts)[:12]


def shuffle(names: NDArray[np.str_], seed: int, scope: str, purpose: str) -> NDArray[np.str_]:
    """The names in an order drawn from ``seed``, ``scope`` and ``purpose``."""
    # Seeded by scope and purpose: the folds of a subject do not change when another subject is added.
    material = hashlib.sha256(f"{seed}\x1f{scope}\x1f{purpose}".encode()).digest()
    order = np.random.default_rng(int.from_bytes(material[:8], "little")).permutation(len(names))
    return np.sort(names)[order]
