"""Masks of instances of unequal length, and statistics over what they leave."""

from collections.abc import Sequence

import torch
from torch import Tensor


def prefix_mask(lengths: Tensor, longest: int) -> Tensor:
    """Bool ``(n, longest)``: True before the length ``(n,)`` of each instance."""
    return torch.arange(longest, device=lengths.device) < lengths[:, None]


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """The mean ``(n, D)`` of tokens ``(n, T, D)`` under a mask ``(n, T)``; zero where nothing is left."""
    weights = mask.to(x.dtype)[..., None]
    return (x * weights).sum(dim=1) / weights.sum(dim=1).clamp_min(1)


def pad(sequences: Sequence[Tensor], width: int) -> tuple[Tensor, Tensor]:
    """Sequences ``(T, width)`` as one tensor ``(n, longest, width)``, zero beyond their ends, and its mask.

    The longest has at least one step, so that no dimension is empty.
    """
    lengths = torch.tensor([len(each) for each in sequences], dtype=torch.int64)
    longest = max(1, int(lengths.max())) if len(sequences) else 1
    whole = torch.zeros(len(sequences), longest, width, dtype=sequences[0].dtype if sequences else None)
    for row, each in zip(whole, sequences, strict=True):
        row[: len(each)] = each
    return whole, prefix_mask(lengths, longest)
