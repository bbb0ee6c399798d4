"""Seeds of trainings, and fast seeding of torch on machines without an accelerator."""

import hashlib
from functools import cache

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


@cache
def _has_accelerator() -> bool:
    return torch.cuda.is_available() or torch.backends.mps.is_available() or torch.xpu.is_available()
