"""Masks of instances of unequal length, and statistics over what they leave."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence


def prefix_mask(lengths: Tensor, longest: int) -> Tensor:
    """Bool ``(n, longest)``: True before the length ``(n,)`` of each instance."""
    return torch.arange(longest, device=lengths.device) < lengths[:, None]


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """The mean ``(n, D)`` of tokens ``(n, T, D)`` under a mask ``(n, T)``; zero where nothing is left."""
    weights = mask.to(x.dtype)[..., None]
    return (x * weights).sum(dim=1) / weights.sum(dim=1).clamp_min(1)


def masked_norm(maps: Tensor, mask: Tensor, norm: nn.GroupNorm) -> Tensor:
    """One group's normalisation of ``(n, C, ..., T)`` over all channels and the steps under the mask ``(n, T)``."""
    weights = mask.to(maps.dtype).reshape(len(mask), *[1] * (maps.ndim - 2), mask.shape[1])
    axes = tuple(range(1, maps.ndim))
    count = weights.sum(dim=axes, keepdim=True) * maps[0, ..., 0].numel()
    mean = (maps * weights).sum(dim=axes, keepdim=True) / count.clamp_min(1)
    variance = ((maps - mean).square() * weights).sum(dim=axes, keepdim=True) / count.clamp_min(1)
    shape = (-1, *[1] * (maps.ndim - 2))
    return (maps - mean) * (variance + norm.eps).rsqrt() * norm.weight.reshape(shape) + norm.bias.reshape(shape)


def pad(sequences: Sequence[Tensor], width: int) -> tuple[Tensor, Tensor]:
    """Sequences ``(T, width)`` as one tensor ``(n, longest, width)``, zero beyond their ends, and its mask.

    The longest has at least one step, so that no dimension is empty.
    """
    if not sequences:
        return torch.zeros(0, 1, width), torch.zeros(0, 1, dtype=torch.bool)
    whole = pad_sequence(list(sequences), batch_first=True)
    if whole.shape[1] == 0:
        whole = whole.new_zeros(len(sequences), 1, width)
    lengths = torch.tensor([len(each) for each in sequences], device=whole.device)
    return whole, prefix_mask(lengths, whole.shape[1])
