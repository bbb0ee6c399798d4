"""Seeds torch's random numbers, without what that takes where there is nothing but a CPU."""

from functools import cache

import torch


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
