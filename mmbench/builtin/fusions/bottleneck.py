"""Attention bottlenecks: the modalities exchange information only through a few shared tokens."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from mmbench import Choice, Float, Fusion, Int, Tokens, TokenSpec
from mmbench.builtin.arguments import at_least
from mmbench.builtin.fusions.pooling import any_present, blind_bias
from mmbench.builtin.fusions.sequences import Part, PlacedSequence, check_attention, join, make_layer


class Bottleneck(Fusion):
    """A transformer for each modality; after ``alone`` layers they share a few tokens, ``bottlenecks``.

    Nagrani et al. 2021, "Attention bottlenecks for multimodal fusion" (arXiv 2107.00135): B shared tokens from layer
    L_f on. In each of the ``together`` layers a modality attends to its own tokens and the shared ones, which gives
    each its own version of these; their mean over the modalities is passed on. In the first such layer the shared
    tokens hold no information of other modalities, hence at least two. Outputs come from the CLS token of each modality
    through one linear layer and are averaged. A missing modality is left out of both means; if all are
    missing, the outputs are a learned bias. ``heads`` must divide ``dim``.
    """

    name = "bottleneck"
    space: ClassVar = {
        "dim": Choice(32, 64, 128),
        "bottlenecks": Int(1, 8),
        "alone": Int(0, 2),
        "together": Int(2, 4),
        "dropout": Float(0.0, 0.5),
    }

    def __init__(
        self,
        inputs: Mapping[str, TokenSpec],
        n_outputs: int,
        *,
        dim: int = 64,
        bottlenecks: int = 4,
        alone: int = 1,
        together: int = 2,
        heads: int = 4,
        ff: int = 128,
        dropout: float = 0.2,
    ) -> None:
        super().__init__(inputs, n_outputs)
        check_attention(dim, heads, ff, dropout)
        at_least(0, alone=alone)
        at_least(1, bottlenecks=bottlenecks)
        at_least(2, together=together)
        self.names = sorted(inputs)
        self.alone = alone
        self.shared = nn.Parameter(0.02 * torch.randn(bottlenecks, dim))
        self.entries = nn.ModuleList(Entry(inputs[name], dim) for name in self.names)
        self.steps = nn.ModuleList(
            Step([make_layer(dim, heads, ff, dropout) for _ in self.names]) for _ in range(alone + together)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in self.names)
        self.classify = nn.Sequential(nn.Dropout(dropout), nn.Linear(dim, n_outputs))
        self.bias = blind_bias(n_outputs)

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Outputs ``(B, n_outputs)``."""
        parts = [entry(tokens[name]) for name, entry in zip(self.names, self.entries, strict=True)]
        present = torch.stack([any_present(tokens[name]) for name in self.names], dim=1)
        last = self._meet(parts, present)
        outputs = [self.classify(norm(x[:, 0])) for norm, x in zip(self.norms, last, strict=True)]
        return torch.where(present.any(dim=1), mean_over_modalities(torch.stack(outputs, dim=1), present), self.bias)

    def _meet(self, parts: Sequence[Part], present: Tensor) -> list[Tensor]:
        """The tokens of each modality after its last layer, from those before the first."""
        shared = self.shared.expand(len(present), -1, -1)
        for depth, step in enumerate(self.steps):
            if depth < self.alone:
                parts, _ = step(parts, shared[:, :0], present)
            else:
                parts, shared = step(parts, shared, present)
        return [part.x for part in parts]


class Entry(nn.Module):
    """The input of the first layer of a modality: its CLS token, then its tokens with position embeddings."""

    def __init__(self, spec: TokenSpec, dim: int) -> None:
        super().__init__()
        self.sequence = PlacedSequence(spec, dim)
        self.cls_token = nn.Parameter(0.02 * torch.randn(dim))

    def forward(self, tokens: Tokens) -> Part:
        """``(B, 1 + K·T, dim)``; CLS is always present."""
        part = self.sequence(tokens)
        here = torch.ones_like(part.present[:, :1])
        return join([Part(self.cls_token.expand(len(here), 1, -1), here), part])


class Step(nn.Module):
    """One layer of every modality, each over its own tokens and the shared ones."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, parts: Sequence[Part], shared: Tensor, present: Tensor) -> tuple[list[Part], Tensor]:
        """The tokens one layer on, and the mean of the versions of the ``shared`` ones ``(B, n, dim)``."""
        here = torch.ones(shared.shape[:2], dtype=torch.bool, device=shared.device)
        moved, versions = [], []
        for layer, part in zip(self.layers, parts, strict=True):
            x, there = join([part, Part(shared, here)])
            x = layer(x, src_key_padding_mask=~there)
            own = part.x.shape[1]
            moved.append(Part(x[:, :own], part.present))
            versions.append(x[:, own:])
        return moved, mean_over_modalities(torch.stack(versions, dim=1), present[:, :, :, None])


def mean_over_modalities(x: Tensor, present: Tensor) -> Tensor:
    """``x`` ``(B, M, …)`` averaged over the modalities that are present, bool ``(B, M, 1, …)``; zero if none is."""
    return x.masked_fill(~present, 0).sum(dim=1) / present.sum(dim=1).clamp_min(1)
