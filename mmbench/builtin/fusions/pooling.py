"""Pooling of the tokens of a modality to one vector per sample, shared by the built-in fusions."""

from typing import Literal

import torch
from torch import Tensor, nn

from mmbench import Tokens, TokenSpec
from mmbench.builtin.arguments import at_least, fraction

Pool = Literal["flatten", "mean"]
# Minimum width of a projected token before tokens are concatenated.
MIN_WIDTH = 8


class Summary(nn.Module):
    """Tokens ``(B, K, T, D)`` to ``(B, dim)``: the mean over present instances, then over or across tokens.

    ``flatten`` projects each token and concatenates them, so that channels or patches stay distinct, which a fair
    baseline needs; ``mean`` averages them first. Tokens of open length have no fixed places: both are the mean over all
    tokens of the present instances. A missing modality counts as zero tokens.
    """

    def __init__(self, spec: TokenSpec, dim: int, pool: Pool) -> None:
        super().__init__()
        # None: the tokens are averaged.
        self.length = None if pool == "mean" else spec.length
        self.open = spec.length is None
        width = dim if self.length is None else max(MIN_WIDTH, -(-dim // self.length))
        # The norm comes after the projection: it would erase tokens of width 1, and the common level of wider ones.
        self.project = nn.Sequential(nn.Linear(spec.dim, width), nn.LayerNorm(width), nn.GELU())
        self.mix = nn.Identity() if self.length is None else nn.Linear(self.length * width, dim)

    def forward(self, tokens: Tokens) -> Tensor:
        """One vector per sample."""
        mixed: Tensor = self.mix(self.project(self._average(tokens)).flatten(1))
        return mixed

    def _average(self, tokens: Tokens) -> Tensor:
        """The mean over instances, ``(B, T, D)``, or over instances and tokens, ``(B, D)``."""
        if self.open:
            return mean_over_tokens(tokens, over=(1, 2))
        x = mean_over_present(tokens)
        return x.mean(dim=1) if self.length is None else x


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


def mean_over_tokens(tokens: Tokens, over: tuple[int, ...]) -> Tensor:
    """The mean of the tokens that are there, over dimensions of ``(B, K, T, D)``; zero if there is none."""
    there = tokens.mask[..., None]
    total = tokens.x.masked_fill(~there, 0).sum(dim=over)
    return total / there.sum(dim=over).clamp_min(1)


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
