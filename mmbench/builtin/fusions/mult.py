"""Cross-modal transformers: each modality attends to each other one."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from mmbench import Choice, Float, Fusion, Int, Tokens, TokenSpec
from mmbench.builtin.arguments import at_least
from mmbench.builtin.fusions.sequences import (
    Part,
    Sequence,
    check_attention,
    ignored,
    make_transformer,
    mean_of_present,
    sinusoids,
)


class CrossModal(Fusion):
    """For each ordered pair of modalities, a transformer in which the tokens of one attend to those of the other.

    Tsai et al. 2019, "Multimodal transformer for unaligned multimodal language sequences" (arXiv 1906.00295). The
    outputs of a modality for all others are concatenated and pass ``depth`` layers of self-attention; its mean over the
    present tokens stands for the modality (the paper takes the last step, but tokens need not be a sequence in
    time). The concatenated modalities pass a residual perceptron and a linear layer. ``dim`` is the width of one pair,
    ``heads`` must divide it, ``cross_depth`` are the layers of a pair, ``depth`` those of the self-attention.

    Tokens of all instances of a bag form one sequence, with sinusoidal positions; absent ones are masked, and where the
    length is open they are not counted. A missing modality is not attended to, and its own vector is zero. A single
    modality attends to itself.
    """

    name = "mult"
    space: ClassVar = {
        "dim": Choice(16, 32, 64),
        "cross_depth": Int(1, 4),
        "depth": Int(1, 3),
        "dropout": Float(0.0, 0.5),
    }

    def __init__(
        self,
        inputs: Mapping[str, TokenSpec],
        n_outputs: int,
        *,
        dim: int = 32,
        cross_depth: int = 2,
        depth: int = 1,
        heads: int = 4,
        dropout: float = 0.2,
    ) -> None:
        super().__init__(inputs, n_outputs)
        check_attention(dim, heads, 4 * dim, dropout)
        at_least(1, cross_depth=cross_depth, depth=depth)
        self.names = sorted(inputs)
        self.sequences = nn.ModuleList(Sequence(inputs[name], dim) for name in self.names)
        n_sources = len(self.names) - 1
        self.targets = nn.ModuleList(Target(n_sources, dim, heads, cross_depth, depth, dropout) for _ in self.names)
        width = len(self.names) * width_of(n_sources, dim)
        self.mix = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, width))
        self.classify = nn.Linear(width, n_outputs)

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Outputs ``(B, n_outputs)``."""
        parts = []
        for name, sequence in zip(self.names, self.sequences, strict=True):
            place = add_positions_of_present if self.inputs[name].length is None else add_positions
            parts.append(place(sequence(tokens[name])))
        read = [target(parts[m], parts[:m] + parts[m + 1 :]) for m, target in enumerate(self.targets)]
        x = torch.cat(read, dim=1)
        outputs: Tensor = self.classify(x + self.mix(x))
        return outputs


class Target(nn.Module):
    """The cross-modal attention of one modality to ``n_sources`` others, as one vector."""

    def __init__(self, n_sources: int, dim: int, heads: int, cross_depth: int, depth: int, dropout: float) -> None:
        super().__init__()
        width = width_of(n_sources, dim)
        self.pairs = nn.ModuleList(Pair(dim, heads, cross_depth, dropout) for _ in range(n_sources))
        self.memory = make_transformer(width, heads, depth, 4 * width, dropout)

    def forward(self, target: Part, sources: list[Part]) -> Tensor:
        """``(B, width)``; zero where the target is missing."""
        read = [pair(target.x, source) for pair, source in zip(self.pairs, sources, strict=True)] or [target.x]
        x = self.memory(torch.cat(read, dim=2), src_key_padding_mask=ignored(target.present))
        return mean_of_present(Part(x, target.present))


class Pair(nn.Module):
    """The transformer in which one modality attends to another."""

    def __init__(self, dim: int, heads: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(CrossLayer(dim, heads, dropout) for _ in range(depth))

    def forward(self, x: Tensor, source: Part) -> Tensor:
        """The target's tokens ``(B, N, dim)`` after the last layer; every layer attends to the unchanged source."""
        for layer in self.layers:
            x = layer(x, source)
        return x


class CrossLayer(nn.Module):
    """One layer of a pair: ``Ẑ = attend(LN Z, LN S) + LN Z``, then ``ff(LN Ẑ) + LN Ẑ``, S the source's own tokens."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm, self.norm_source, self.norm_ff = (nn.LayerNorm(dim) for _ in range(3))
        self.attention = nn.MultiheadAttention(dim, heads, dropout, batch_first=True)
        self.ff = nn.Sequential(nn.Linear(dim, 4 * dim), nn.ReLU(), nn.Dropout(dropout), nn.Linear(4 * dim, dim))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, source: Part) -> Tensor:
        """The target's tokens ``(B, N, dim)``, one layer on; a missing source has no effect."""
        x, s = self.norm(x), self.norm_source(source.x)
        seen = self.attention(x, s, s, key_padding_mask=ignored(source.present), need_weights=False)[0]
        seen = seen * source.present.any(dim=1)[:, None, None]
        x = self.norm_ff(x + self.dropout(seen))
        output: Tensor = x + self.dropout(self.ff(x))
        return output


def width_of(n_sources: int, dim: int) -> int:
    """The width of a modality that attends to ``n_sources`` others; a single modality attends to itself."""
    return max(n_sources, 1) * dim


def add_positions(part: Part) -> Part:
    """Add sinusoidal position embeddings to the tokens ``(B, N, dim)``."""
    return Part(part.x + sinusoids(*part.x.shape[1:]).to(part.x), part.present)


def add_positions_of_present(part: Part) -> Part:
    """Add the same where only present tokens count, so that padding between instances does not move a token."""
    positions = (part.present.cumsum(dim=1) - 1).clamp_min(0)
    return Part(part.x + sinusoids(*part.x.shape[1:]).to(part.x)[positions], part.present)
