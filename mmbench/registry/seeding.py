"""Seeds of trainings, and torch's random numbers, seeded without what that takes where there is nothing but a CPU."""

import hashlib
from functools import cache

import torch

SEEDING_SCHEME = "fold"
"""The scheme by which trainings are seeded; a run tells it."""


def training_seed(seed: int, fold: str, scheme: str | None = SEEDING_SCHEME) -> int:
    """What initial weights and order of the training of one fold are drawn from, below 2^32.

    Each fold has draws of its own: with the same initial weights in every fold, all folds of a seed share their luck,
    which no spread between folds would show. ``scheme`` is None for runs of version 0.1, whose folds share a seed.
    """
    if scheme is None:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}\x1f{fold}".encode()).digest()[:4], "little")


def seed_torch(seed: int) -> None:
    """The same numbers as after ``torch.manual_seed``.

    That also tells devices that are not there, a backtrace for each: milliseconds, nine times a fold.
    """
    if _has_accelerator():
        torch.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)


@cache
def _has_accelerator() -> bool:
    return torch.cuda.is_available() or torch.backends.mps.is_available() or torch.xpu.is_available()
