"""Low-rank fusion: a low-rank factorisation of the weights of tensor fusion."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from mmbench import Choice, Float, Fusion, Int, Tokens, TokenSpec
from mmbench.builtin.arguments import at_least
from mmbench.builtin.fusions.pooling import Pool, Summary, check_sizes
from mmbench.builtin.fusions.tensor import summaries_with_one


class LowRank(Fusion):
    """``Σ_r Π_m W_m^r [h_m; 1]`` over ``rank`` terms and all modalities, then a linear layer.

    Liu et al. 2018, "Efficient low-rank multimodal fusion with modality-specific factors" (arXiv 1806.00064): what the
    fusion ``tensor`` does with a weight for each product of features, here with weights whose number grows with the
    sum of the features. ``dim`` is the width of a summary h, ``hidden`` that of the fused vector. The summary of a
    missing modality is zero; its 1 stays, so that the products of the others are left. ``pool`` is as in ``concat``.
    """

    name = "lowrank"
    space: ClassVar = {
        "rank": Int(1, 16, log=True),
        "dim": Int(32, 256, log=True),
        "hidden": Int(16, 128, log=True),
        "dropout": Float(0.0, 0.6),
        "pool": Choice("flatten", "mean"),
    }

    def __init__(
        self,
        inputs: Mapping[str, TokenSpec],
        n_outputs: int,
        *,
        rank: int = 4,
        dim: int = 64,
        hidden: int = 64,
        dropout: float = 0.3,
        pool: Pool = "flatten",
    ) -> None:
        super().__init__(inputs, n_outputs)
        check_sizes(dim, dropout)
        at_least(1, rank=rank, hidden=hidden)
        self.names = sorted(inputs)
        self.summaries = nn.ModuleList(Summary(inputs[name], dim, pool) for name in self.names)
        self.factors = nn.Parameter(torch.empty(len(self.names), rank, dim + 1, hidden))
        for factor in self.factors.flatten(0, 1):
            nn.init.xavier_normal_(factor)
        self.classify = nn.Sequential(nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, n_outputs))

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Outputs ``(B, n_outputs)``."""
        outputs: Tensor = self.classify(self.fuse(summaries_with_one(self.names, self.summaries, tokens)))
        return outputs

    def fuse(self, extended: list[Tensor]) -> Tensor:
        """``[h_m; 1]`` of all modalities, each ``(B, dim + 1)``, to ``(B, hidden)``."""
        projected = torch.einsum("mbd,mrdh->mbrh", torch.stack(extended), self.factors)
        return projected.prod(dim=0).sum(dim=1)
