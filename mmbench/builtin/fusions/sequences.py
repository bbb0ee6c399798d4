"""Masked token sequences of a modality, shared by the fusions with attention."""

import math
from collections.abc import Sequence as Several
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmbench import SpecError, Tokens, TokenSpec
from mmbench.builtin.arguments import at_least, fraction


class Part(NamedTuple):
    """A sequence of tokens ``(B, N, dim)``, and which of them are present, bool ``(B, N)``."""

    x: Tensor
    present: Tensor


class Sequence(nn.Module):
    """Tokens ``(B, K, T, D)`` to ``(B, K·T, dim)``, instance after instance; values of absent tokens are ignored."""

    def __init__(self, spec: TokenSpec, dim: int) -> None:
        super().__init__()
        self.project = nn.Linear(spec.dim, dim)

    def forward(self, tokens: Tokens) -> Part:
        """The projected tokens."""
        x, _, mask = hold_a_token(tokens)
        x = torch.where(mask[..., None], x, 0)
        return Part(self.project(x.flatten(1, 2)), mask.flatten(1))


class PlacedSequence(Sequence):
    """The same with learned embeddings of the instance and of the position in the instance added.

    There is no embedding if there is only one instance, or one position. Where the length is open, positions have
    sinusoidal embeddings.
    """

    def __init__(self, spec: TokenSpec, dim: int) -> None:
        super().__init__(spec, dim)
        self.instance = _embedding(spec.instances, dim)
        self.open = spec.length is None
        self.token = None if spec.length is None else _embedding(spec.length, dim)

    def forward(self, tokens: Tokens) -> Part:
        """The projected tokens with position embeddings."""
        x, present = super().forward(tokens)
        grid = x.reshape(len(x), tokens.mask.shape[1], -1, x.shape[2])
        if self.instance is not None:
            grid = grid + self.instance[:, None]
        if self.token is not None:
            grid = grid + self.token
        elif self.open:
            grid = grid + sinusoids(*grid.shape[2:]).to(grid)
        return Part(grid.flatten(1, 2), present)


def _embedding(n_places: int, dim: int) -> nn.Parameter | None:
    return nn.Parameter(0.02 * torch.randn(n_places, dim)) if n_places > 1 else None


def sinusoids(length: int, dim: int) -> Tensor:
    """``sin(t / 10000^(2i/dim))`` and cos of the same side by side, ``(length, dim)``; t counts from 0."""
    rates = torch.exp(-math.log(10000) * torch.arange(0, dim, 2) / dim)
    angles = torch.arange(length)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)[:, :dim]


def hold_a_token(tokens: Tokens) -> Tokens:
    """Tokens with at least one position, a masked one where a batch has none: attention needs a key."""
    if tokens.mask.shape[2]:
        return tokens
    x, present, mask = tokens
    return Tokens(x.new_zeros(*present.shape, 1, x.shape[3]), present, mask.new_zeros(*present.shape, 1))


def join(parts: Several[Part]) -> Part:
    """All parts concatenated."""
    return Part(torch.cat([part.x for part in parts], dim=1), torch.cat([part.present for part in parts], dim=1))


def ignored(present: Tensor) -> Tensor:
    """The key padding mask ``(B, N)`` of ``present``; all False in rows without any present token.

    A softmax over no key is NaN. The caller must discard the outputs of these rows.
    """
    return ~present & present.any(dim=1, keepdim=True)


def mean_of_present(part: Part) -> Tensor:
    """The mean of the present tokens, ``(B, dim)``; zero if there is none."""
    weight = part.present[:, :, None]
    return part.x.masked_fill(~weight, 0).sum(dim=1) / weight.sum(dim=1).clamp_min(1)


def make_transformer(dim: int, heads: int, depth: int, ff: int, dropout: float) -> nn.TransformerEncoder:
    """``depth`` layers of self-attention that normalise before each step (pre-norm), and a norm at the end."""
    layer = make_layer(dim, heads, ff, dropout)
    return nn.TransformerEncoder(layer, depth, norm=nn.LayerNorm(dim), enable_nested_tensor=False)


def make_layer(dim: int, heads: int, ff: int, dropout: float) -> nn.TransformerEncoderLayer:
    """One pre-norm layer of self-attention."""
    return nn.TransformerEncoderLayer(dim, heads, ff, dropout, activation="gelu", batch_first=True, norm_first=True)


def check_attention(dim: int, heads: int, ff: int, dropout: float) -> None:
    """Raise SpecError for sizes that are invalid for attention."""
    at_least(1, dim=dim, heads=heads, ff=ff)
    fraction(dropout=dropout)
    if dim % heads:
        raise SpecError(
            f"is {dim}, which {heads} heads do not divide", where="dim", remedy=f"give a multiple of {heads}"
        )
