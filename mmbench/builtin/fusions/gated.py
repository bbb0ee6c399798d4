"""Gated multimodal units: weights of the modalities for each sample and feature."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from mmbench import Choice, Float, Fusion, Int, Tokens, TokenSpec
from mmbench.builtin.fusions.pooling import Pool, Summary, any_present, check_sizes


class Gated(Fusion):
    """``Σ z_m ⊙ tanh(W_m x_m)`` with gates ``z_m = σ(W_z,m [x_1; …; x_M])``, over the present modalities.

    With two modalities the gates are tied as in the paper: z and 1 − z. Arevalo et al. 2017, "Gated multimodal
    units for information fusion" (arXiv 1702.01992). ``x_m`` is zero where a modality is missing.
    ``pool`` is as in ``concat``.
    """

    name = "gated"
    space: ClassVar = {
        "dim": Int(32, 512, log=True),
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
        n_gates = 1 if len(self.names) == 2 else len(self.names)
        self.summaries = nn.ModuleList(Summary(inputs[name], dim, pool) for name in self.names)
        self.hidden = nn.ModuleList(nn.Linear(dim, dim) for _ in self.names)
        self.gate = nn.Linear(len(self.names) * dim, n_gates * dim)
        self.classify = nn.Sequential(nn.Dropout(dropout), nn.Linear(dim, n_outputs))

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Outputs ``(B, n_outputs)``."""
        x, present = self._summarise(tokens)
        hidden = torch.stack([layer(x[:, m]).tanh() for m, layer in enumerate(self.hidden)], dim=1)
        outputs: Tensor = self.classify((self._gates(x) * hidden * present).sum(dim=1))
        return outputs

    def explain(self, tokens: Mapping[str, Tokens]) -> Mapping[str, Tensor]:
        """The mean gate of each modality, ``(B,)``; 0 if it is missing."""
        x, present = self._summarise(tokens)
        gates = (self._gates(x) * present).mean(dim=2)
        return {f"{name}.gate": gates[:, m] for m, name in enumerate(self.names)}

    def _summarise(self, tokens: Mapping[str, Tokens]) -> tuple[Tensor, Tensor]:
        """Summaries ``(B, M, dim)``, zero where missing, and which are present, ``(B, M, 1)``."""
        x = torch.stack(
            [summary(tokens[name]) for name, summary in zip(self.names, self.summaries, strict=True)], dim=1
        )
        present = torch.stack([any_present(tokens[name]) for name in self.names], dim=1)
        return x * present, present

    def _gates(self, x: Tensor) -> Tensor:
        """Gates ``(B, M, dim)`` in (0, 1)."""
        z: Tensor = self.gate(x.flatten(1)).sigmoid()
        if len(self.names) == 2:
            return torch.stack([z, 1 - z], dim=1)
        return z.view_as(x)
