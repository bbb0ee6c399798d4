"""Low-rank adaptation of linear layers."""

import math

import torch
from torch import Tensor, nn


class LowRank(nn.Module):
    """A linear layer that is kept, plus the product of two narrow ones that are trained: ``W x + scale · B A x``.

    B starts as zero, so that the network starts as it was. Hu et al. 2022, "LoRA: Low-rank adaptation of large
    language models", with the scale of 2 (alpha = 2 · rank) that is common since.
    """

    SCALE = 2.0

    def __init__(self, layer: nn.Linear, rank: int) -> None:
        super().__init__()
        self.layer = layer.requires_grad_(False)
        self.down = nn.Parameter(torch.empty(rank, layer.in_features))
        self.up = nn.Parameter(torch.zeros(layer.out_features, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        """The sum of both, ``(..., out_features)``."""
        kept: Tensor = self.layer(x)
        return kept + self.SCALE * nn.functional.linear(nn.functional.linear(x, self.down), self.up)


def add_low_rank(network: nn.Module, rank: int) -> int:
    """Freeze a network and add low-rank adapters to all of its linear layers; returns how many there are."""
    network.requires_grad_(False)
    found = [
        (parent, name, child)
        for parent in network.modules()
        for name, child in parent.named_children()
        if type(child) is nn.Linear
    ]
    for parent, name, child in found:
        setattr(parent, name, LowRank(child, rank))
    return len(found)
