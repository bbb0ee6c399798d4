"""Seeds of trainings, and fast seeding of torch on machines without an accelerator."""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
import torch

SEEDING_SCHEME = "fold"
"""The scheme by which trainings are seeded; stored in records."""


def training_seed(seed: int, fold: str, scheme: str | None = SEEDING_SCHEME) -> int:
    """The seed of the initial weights and of the sample order in one fold, below 2^32.

    Each fold has its own: with the same initial weights in every fold, the variance due to them would not show between
    folds. ``scheme`` is None for runs of version 0.1, whose folds share a seed.
    """
    if scheme is None:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}\x1f{fold}".encode()).digest()[:4], "little")


def seed_torch(seed: int) -> None:
    """Seed torch: the same numbers as after ``torch.manual_seed``.

    Without an accelerator only the CPU is seeded: ``manual_seed`` takes milliseconds there, nine times per fold.
    """
    if _has_accelerator():
        torch.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)


@contextmanager
def isolated_random_state(seed: int) -> Iterator[None]:
    """Seed all generators within the block and restore their states after it."""
    # Plugins may draw from the global generators of Python and NumPy, whether or not that is wise.
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with torch.random.fork_rng(devices=[]):
            seed_torch(seed)
            random.seed(seed)
            np.random.seed(seed % 2**32)  # noqa: NPY002
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002


@cache
def _has_accelerator() -> bool:
    return torch.cuda.is_available() or torch.backends.mps.is_available() or torch.xpu.is_available()
