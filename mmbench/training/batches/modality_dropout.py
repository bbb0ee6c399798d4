"""Modality dropout: modalities removed from training samples at random."""

from collections.abc import Mapping

import torch
from torch import Tensor

from mmbench.contract import Tokens
from mmbench.data import Bags


def drop_modalities(batch: Mapping[str, Bags], probability: float, generator: torch.Generator) -> dict[str, Bags]:
    """The batch with each present modality of a sample missing with this probability, but never all of them.

    ``x`` of any shape ``(B, K, …)`` is zero where it was removed. Modalities that the fusion does not read are ignored:
    they have no values. ``generator`` is on the CPU, so that every device draws the same numbers, whatever the order of
    the modalities. A sample that would lose all modalities keeps one, each with equal probability. After Neverova et
    al. 2016, "ModDrop" (arXiv 1501.00102).
    """
    names = sorted(name for name, bags in batch.items() if bags.x.numel())
    dropped = dict(batch)
    if not names or not probability:
        return dropped
    present = torch.stack([batch[name].present.any(dim=1) for name in names], dim=1)
    draws = torch.rand(present.shape, generator=generator).to(present.device)
    stays = draws >= probability
    # The present modality with the largest draw: if all are below the probability, each is equally likely.
    last = draws.masked_fill(~present, -1).argmax(dim=1, keepdim=True)
    stays.scatter_(1, last, True)
    for name, keep in zip(names, stays.unbind(dim=1), strict=True):
        dropped[name] = _remove(batch[name], keep)
    return dropped


def mask_modality(tokens: Tokens, keep: Tensor) -> Tokens:
    """The tokens with the modality missing in the samples where ``keep``, bool ``(B,)``, is False."""
    return Tokens(_zero(tokens.x, keep), tokens.present & keep[:, None], tokens.mask & keep[:, None, None])


def _remove(bags: Bags, keep: Tensor) -> Bags:
    lengths = None if bags.lengths is None else _zero(bags.lengths, keep)
    return Bags(_zero(bags.x, keep), bags.present & keep[:, None], lengths)


def _zero(values: Tensor, keep: Tensor) -> Tensor:
    return values.masked_fill(~keep.reshape(-1, *[1] * (values.ndim - 1)), 0)
