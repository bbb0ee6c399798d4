"""Modalities left out of training samples at random, so that a model learns to do without one."""

from collections.abc import Mapping

import torch
from torch import Tensor

from mmbench.contract import Tokens


def drop_modalities(batch: Mapping[str, Tokens], probability: float, generator: torch.Generator) -> dict[str, Tokens]:
    """The batch with each present modality of a sample missing with this probability, but never all of them.

    ``x`` of any shape ``(B, K, …)`` is zero where it was left out. A modality that the fusion does not read, which has
    no values, is left alone and saves no other. ``generator`` is one of the CPU, so that every device draws the
    same, whatever the order of the modalities. Of a sample that would lose everything, one modality stays, each
    equally probably. After Neverova et al. 2016, "ModDrop" (arXiv 1501.00102).
    """
    names = sorted(name for name, tokens in batch.items() if tokens.x.numel())
    dropped = dict(batch)
    if not names or not probability:
        return dropped
    present = torch.stack([batch[name].present.any(dim=1) for name in names], dim=1)
    draws = torch.rand(present.shape, generator=generator).to(present.device)
    stays = draws >= probability
    # The largest draw among the present: where all are below the probability it is each of them equally often.
    last = draws.masked_fill(~present, -1).argmax(dim=1, keepdim=True)
    stays.scatter_(1, last, True)
    for name, keep in zip(names, stays.unbind(dim=1), strict=True):
        dropped[name] = mask_modality(batch[name], keep)
    return dropped


def mask_modality(tokens: Tokens, keep: Tensor) -> Tokens:
    """The modality in the samples where ``keep`` ``(B,)`` says so; in the others it is missing."""
    x = tokens.x.masked_fill(~keep.reshape(-1, *[1] * (tokens.x.ndim - 1)), 0)
    return Tokens(x, tokens.present & keep[:, None])
