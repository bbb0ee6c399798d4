"""Pooling of the tokens of a modality to one vector per sample, shared by the built-in fusions."""

from typing import Literal

import torch
from torch import Tensor, nn

from mmbench import Tokens, TokenSpec
from mmbench.builtin.arguments import at_least, fraction

Pool = Literal["flatten", "mean"]
# Minimum width of a projected token before tokens are concatenated.
MIN_WIDTH = 8
# Parts of a sequence of open length that flatten keeps distinct.
N_PARTS = 8


class Summary(nn.Module):
    """Tokens ``(B, K, T, D)`` to ``(B, dim)``: the mean over present instances, then over or across tokens.

    ``flatten`` projects each token and concatenates them, so that channels or patches stay distinct, which a fair
    baseline needs; ``mean`` averages them first. Where the length is open, ``flatten`` first averages the tokens of
    each instance within ``N_PARTS`` equal parts, so that what comes early and late stays distinct, and ``mean``
    averages all tokens that are there. A missing modality counts as zero tokens.
    """

    def __init__(self, spec: TokenSpec, dim: int, pool: Pool) -> None:
        super().__init__()
        self.open = spec.length is None
        # None: the tokens are averaged.
        self.length = None if pool == "mean" else N_PARTS if spec.length is None else spec.length
        width = dim if self.length is None else max(MIN_WIDTH, -(-dim // self.length))
        # The norm comes after the projection: it would erase tokens of width 1, and the common level of wider ones.
        self.project = nn.Sequential(nn.Linear(spec.dim, width), nn.LayerNorm(width), nn.GELU())
        self.mix = nn.Identity() if self.length is None else nn.Linear(self.length * width, dim)

    def forward(self, tokens: Tokens) -> Tensor:
        """One vector per sample."""
        mixed: Tensor = self.mix(self.project(self._average(tokens)).flatten(1))
        return mixed

    def _average(self, tokens: Tokens) -> Tensor:
        """The mean over instances, ``(B, length, D)``, or over instances and tokens, ``(B, D)``."""
        if not self.open:
            x = mean_over_present(tokens)
            return x.mean(dim=1) if self.length is None else x
        if self.length is None:
            return mean_over_tokens(tokens)
        return mean_over_present(Tokens(mean_of_parts(tokens, self.length), tokens.present))


class Head(nn.Module):
    """Outputs ``(B, n_outputs)`` from one modality alone."""

    def __init__(self, spec: TokenSpec, n_outputs: int, *, dim: int, dropout: float, pool: Pool) -> None:
        super().__init__()
        self.summary = Summary(spec, dim, pool)
        self.classify = nn.Sequential(nn.GELU(), nn.Dropout(dropout), nn.Linear(dim, n_outputs))

    def forward(self, tokens: Tokens) -> Tensor:
        """Outputs; meaningless, though finite, where the modality is missing."""
        outputs: Tensor = self.classify(self.summary(tokens))
        return outputs


def mean_over_present(tokens: Tokens) -> Tensor:
    """Tokens averaged over the present instances, ``(B, T, D)``; zero if there is none.

    For tokens of one length: in an open one, position t is there in some of the instances only.
    """
    present = tokens.present[:, :, None, None]
    total = tokens.x.masked_fill(~present, 0).sum(dim=1)
    return total / present.sum(dim=1).clamp_min(1)


def mean_over_tokens(tokens: Tokens) -> Tensor:
    """The mean of all tokens that are there, ``(B, D)``; zero if there is none."""
    there = tokens.mask[..., None]
    total = tokens.x.masked_fill(~there, 0).sum(dim=(1, 2))
    return total / there.sum(dim=(1, 2)).clamp_min(1)


def mean_of_parts(tokens: Tokens, n_parts: int) -> Tensor:
    """The means of equal parts of the tokens of each instance, ``(B, K, n_parts, D)``; zero without tokens.

    Part i of L tokens is from ``⌊i L / n_parts⌋`` to below ``⌈(i + 1) L / n_parts⌉``, as in adaptive average pooling:
    parts overlap where ``n_parts`` does not divide L.
    """
    x, _, mask = tokens
    length = mask.sum(dim=2)[..., None]
    part = torch.arange(n_parts, device=x.device)
    start, stop = part * length // n_parts, -(-(part + 1) * length // n_parts)
    place = torch.arange(x.shape[2], device=x.device)
    within = (place >= start[..., None]) & (place < stop[..., None])
    weights = within / within.sum(dim=3, keepdim=True).clamp_min(1)
    return weights.to(x.dtype) @ x.masked_fill(~mask[..., None], 0)


def any_present(tokens: Tokens) -> Tensor:
    """Which samples have the modality, bool ``(B, 1)``."""
    return tokens.present.any(dim=1, keepdim=True)


def check_sizes(dim: int, dropout: float) -> None:
    """Raise SpecError for invalid values of the parameters that the fusions share."""
    at_least(1, dim=dim)
    fraction(dropout=dropout)


def blind_bias(n_outputs: int) -> nn.Parameter:
    """A learned bias ``(n_outputs,)``: the outputs if every modality is missing."""
    return nn.Parameter(torch.zeros(n_outputs))
