"""Gated attention over all instances of all modalities."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from mmbench import Choice, Float, Fusion, Int, Tokens, TokenSpec
from mmbench.builtin.arguments import at_least
from mmbench.builtin.fusions.pooling import Pool, Summary, check_sizes


class AttentionMil(Fusion):
    """``Σ_k a_k h_k`` with ``a = softmax_k(wᵀ(tanh V h_k ⊙ σ(U h_k)))``, then a linear layer.

    Ilse et al. 2018, "Attention-based deep multiple instance learning" (arXiv 1802.04712), with the gate. The bag holds
    the present instances of every modality, each as one vector h of ``dim`` features; ``hidden`` is the width L
    of V and U, without biases as in the paper. With a single instance there are no weights. Where none is
    present, the outputs are the bias of the linear layer. ``pool`` is as in ``concat``.
    """

    name = "abmil"
    space: ClassVar = {
        "dim": Int(32, 256, log=True),
        "hidden": Int(32, 256, log=True),
        "dropout": Float(0.0, 0.6),
        "pool": Choice("flatten", "mean"),
    }

    def __init__(
        self,
        inputs: Mapping[str, TokenSpec],
        n_outputs: int,
        *,
        dim: int = 128,
        hidden: int = 128,
        dropout: float = 0.3,
        pool: Pool = "flatten",
    ) -> None:
        super().__init__(inputs, n_outputs)
        check_sizes(dim, dropout)
        at_least(1, hidden=hidden)
        self.names = sorted(inputs)
        self.summaries = nn.ModuleList(Summary(inputs[name], dim, pool) for name in self.names)
        n_instances = sum(spec.instances for spec in inputs.values())
        self.score = GatedScore(dim, hidden) if n_instances > 1 else None
        self.classify = nn.Sequential(nn.Dropout(dropout), nn.Linear(dim, n_outputs))

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Outputs ``(B, n_outputs)``."""
        h, present = self._instances(tokens)
        outputs: Tensor = self.classify((self._shares(h, present)[:, :, None] * h).sum(dim=1))
        return outputs

    def explain(self, tokens: Mapping[str, Tokens]) -> Mapping[str, Tensor]:
        """``<modality>.instances`` ``(B, K)``: the weight of each instance; over all modalities they sum to 1."""
        sizes = [self.inputs[name].instances for name in self.names]
        shares = torch.split(self._shares(*self._instances(tokens)), sizes, dim=1)
        return {f"{name}.instances": share for name, share in zip(self.names, shares, strict=True)}

    def _instances(self, tokens: Mapping[str, Tokens]) -> tuple[Tensor, Tensor]:
        """All instances as vectors ``(B, N, dim)``, zero where absent, and which are present, ``(B, N)``."""
        h = [summarise_each(summary, tokens[name]) for name, summary in zip(self.names, self.summaries, strict=True)]
        present = torch.cat([tokens[name].present for name in self.names], dim=1)
        return torch.cat(h, dim=1).masked_fill(~present[:, :, None], 0), present

    def _shares(self, h: Tensor, present: Tensor) -> Tensor:
        """Weights ``(B, N)`` of the instances, 0 where absent."""
        if self.score is None:
            return present.to(h.dtype)
        scores: Tensor = self.score(h)
        scores = scores.masked_fill(~present & present.any(dim=1, keepdim=True), -torch.inf)
        return scores.softmax(dim=1) * present


class GatedScore(nn.Module):
    """``wᵀ(tanh V h ⊙ σ(U h))``: vectors ``(B, N, dim)`` to ``(B, N)``."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.v = nn.Linear(dim, hidden, bias=False)
        self.u = nn.Linear(dim, hidden, bias=False)
        self.w = nn.Linear(hidden, 1, bias=False)

    def forward(self, h: Tensor) -> Tensor:
        """One score per instance."""
        score: Tensor = self.w(self.v(h).tanh() * self.u(h).sigmoid())
        return score.squeeze(2)


def summarise_each(summary: nn.Module, tokens: Tokens) -> Tensor:
    """A vector for each instance ``(B, K, dim)``, computed as if it were alone in its bag."""
    alone = Tokens(*(part.flatten(0, 1)[:, None] for part in tokens))
    h: Tensor = summary(alone)
    return h.reshape(*tokens.present.shape, -1)
