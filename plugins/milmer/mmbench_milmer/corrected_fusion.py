"""Milmer's fusion as its paper describes it, for any number of modalities, with a gradient for every weight."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mmbench import Tokens, TokenSpec
from mmbench_milmer.selection import Selection


class CorrectedFusion(nn.Module):
    """A transformer over CLS and the tokens of all modalities, with modality embeddings; classifies the CLS token.

    Absent tokens are masked. ``branches`` map each modality to its tokens, in this order.
    """

    def __init__(
        self,
        branches: Mapping[str, nn.Module],
        transformer: nn.TransformerEncoder,
        dim: int,
        n_outputs: int,
        head_dropout: float,
    ) -> None:
        super().__init__()
        self.names = list(branches)
        self.branches = nn.ModuleList(branches.values())
        self.cls_token = nn.Parameter(0.02 * torch.randn(dim))
        self.type_embedding = nn.Parameter(0.02 * torch.randn(len(self.names), dim))
        self.encoder = transformer
        self.head = nn.Sequential(nn.Dropout(head_dropout), nn.Linear(dim, n_outputs))

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Outputs ``(B, n_outputs)``; from the CLS token alone if every modality is missing."""
        x, present = join(self.input_tokens(tokens))
        outputs: Tensor = self.head(self.encode_cls(x, present))
        return outputs

    def encode_cls(self, x: Tensor, present: Tensor) -> Tensor:
        """Output of the transformer for the CLS token, ``(B, dim)``.

        The last layer is computed for CLS alone, since its other outputs are unused: same values, half the operations.
        """
        x, last = self._input_of_last_layer(x, present)
        cls = x[:, :1]
        attended = last.self_attn(cls, x, x, key_padding_mask=~present, need_weights=False)[0]
        cls = last.norm1(cls + last.dropout1(attended))
        hidden = last.linear2(last.dropout(last.activation(last.linear1(cls))))
        encoded: Tensor = last.norm2(cls + last.dropout2(hidden))[:, 0]
        return encoded

    def input_tokens(self, tokens: Mapping[str, Tokens]) -> "list[MaskedTokens]":
        """Input of the transformer, CLS first: tokens ``(B, n, dim)`` and their mask ``(B, n)``."""
        n_samples = len(next(iter(tokens.values())).present)
        cls_present = torch.ones(n_samples, 1, dtype=torch.bool, device=self.cls_token.device)
        parts = [MaskedTokens(self.cls_token.expand(n_samples, 1, -1), cls_present)]
        for name, branch, kind in zip(self.names, self.branches, self.type_embedding, strict=True):
            x, present = branch(zero_masked(tokens[name]))
            parts.append(MaskedTokens(x + kind, present))
        return parts

    def explain(self, tokens: Mapping[str, Tokens]) -> dict[str, Tensor]:
        """Weights of the instances of each bag; for the other modalities, the attention of CLS to their tokens."""
        parts = self.input_tokens(tokens)
        _, *attention = torch.split(self.attention(*join(parts)), [part.x.shape[1] for part in parts], dim=1)
        weights = {}
        for name, branch, cls_attention in zip(self.names, self.branches, attention, strict=True):
            if isinstance(branch, Bag):
                weights[f"{name}.instances"] = branch.select(zero_masked(tokens[name])).weights
            else:
                weights[f"{name}.tokens"] = cls_attention
        return weights

    def attention(self, x: Tensor, present: Tensor) -> Tensor:
        """Attention of CLS to each token in the last layer, averaged over heads: ``(B, N)``, rows sum to 1."""
        x, last = self._input_of_last_layer(x, present)
        weights: Tensor = last.self_attn(x, x, x, key_padding_mask=~present)[1]
        return weights[:, 0]

    def _input_of_last_layer(self, x: Tensor, present: Tensor) -> tuple[Tensor, Any]:
        """The tokens ``(B, N, dim)`` that the last layer reads, and that layer."""
        *first, last = self.encoder.layers
        for layer in first:
            x = layer(x, src_key_padding_mask=~present)
        return x, last


class MaskedTokens(NamedTuple):
    """Tokens ``(B, n, dim)`` and their mask ``(B, n)``."""

    x: Tensor
    present: Tensor


def join(parts: Sequence[MaskedTokens]) -> MaskedTokens:
    """The parts concatenated along the tokens."""
    return MaskedTokens(
        torch.cat([part.x for part in parts], dim=1), torch.cat([part.present for part in parts], dim=1)
    )


class Direct(nn.Module):
    """A modality without a bag: its T tokens, projected to ``dim`` if they have another width."""

    def __init__(self, spec: TokenSpec, dim: int) -> None:
        super().__init__()
        self.project = make_projection(spec, dim)

    def forward(self, tokens: Tokens) -> tuple[Tensor, Tensor]:
        """Tokens ``(B, T, dim)`` and their mask ``(B, T)``."""
        return self.project(tokens.x[:, 0]), tokens.mask[:, 0]


class Bag(nn.Module):
    """A modality with a bag of instances: selection, projection, balancing."""

    def __init__(self, spec: TokenSpec, dim: int, selector: nn.Module, balancing: nn.Module) -> None:
        super().__init__()
        self.selector = selector
        self.project = make_projection(spec, dim)
        self.balancing = balancing

    def select(self, tokens: Tokens) -> Selection:
        """The k instances that are passed on."""
        selection: Selection = self.selector(tokens)
        return selection

    def forward(self, tokens: Tokens) -> tuple[Tensor, Tensor]:
        """Tokens ``(B, N, dim)`` and their mask ``(B, N)``."""
        selection = self.select(tokens)
        x = self.project(selection.x.flatten(1, 2))
        balanced: tuple[Tensor, Tensor] = self.balancing(x, selection.mask.flatten(1))
        return balanced


def zero_masked(tokens: Tokens) -> Tokens:
    """The tokens, zero where masked, with at least one position: attention needs a key."""
    x, present, mask = tokens
    if mask.shape[2] == 0:
        return Tokens(x.new_zeros(*present.shape, 1, x.shape[3]), present, mask.new_zeros(*present.shape, 1))
    return Tokens(torch.where(mask[..., None], x, 0.0), present, mask)


def make_projection(spec: TokenSpec, dim: int) -> nn.Module:
    """A linear layer from the width of the tokens to ``dim``; the identity if they are equal."""
    return nn.Identity() if spec.dim == dim else nn.Linear(spec.dim, dim)
