"""Early fusion: concatenated summaries of the modalities."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from mmbench import Choice, Float, Fusion, Int, Tokens, TokenSpec
from mmbench.builtin.fusions.pooling import Pool, Summary, any_present, check_sizes


class Concat(Fusion):
    """Summaries ``(B, dim)`` of all modalities, concatenated, then a perceptron with one hidden layer.

    A missing modality is replaced by a learned vector. ``pool`` is ``flatten``, where tokens of
    an instance stay distinct (those of open length in eight equal parts), or ``mean``, where they are averaged.
    """

    name = "concat"
    space: ClassVar = {
        "dim": Int(32, 256, log=True),
        "dropout": Float(0.0, 0.6),
        "pool": Choice("flatten", "mean"),
    }

    def __init__(
        self,
        inputs: Mapping[str, TokenSpec],
        n_outputs: int,
        *,
        dim: int = 128,
        dropout: float = 0.3,
        pool: Pool = "flatten",
    ) -> None:
        super().__init__(inputs, n_outputs)
        check_sizes(dim, dropout)
        self.names = sorted(inputs)
        self.summaries = nn.ModuleList(Summary(inputs[name], dim, pool) for name in self.names)
        self.missing = nn.Parameter(torch.zeros(len(self.names), dim))
        self.classify = nn.Sequential(
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(len(self.names) * dim, dim),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(dim, n_outputs),
        )

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Outputs ``(B, n_outputs)``."""
        parts = [
            torch.where(any_present(tokens[name]), summary(tokens[name]), missing)
            for name, summary, missing in zip(self.names, self.summaries, self.missing, strict=True)
        ]
        outputs: Tensor = self.classify(torch.cat(parts, dim=1))
        return outputs
