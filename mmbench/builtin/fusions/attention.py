"""Transformer over all tokens of all modalities."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from mmbench import Choice, Float, Fusion, Int, Tokens, TokenSpec
from mmbench.builtin.arguments import at_least
from mmbench.builtin.fusions.sequences import (
    Part,
    PlacedSequence,
    check_attention,
    hold_a_token,
    join,
    make_transformer,
)


class Attention(Fusion):
    """A CLS token and the tokens of all modalities through ``depth`` layers of self-attention; CLS is classified.

    Vaswani et al. 2017, "Attention is all you need" (arXiv 1706.03762), with the CLS token of Devlin et al. 2018
    (arXiv 1810.04805) and pre-norm layers. Learned embeddings of the modality, the instance and the position in the
    instance are added to each token, sinusoidal ones of the position where the length is open; absent tokens are
    masked. ``dim`` is the width, ``heads`` must divide it, ``ff`` is the width inside the perceptron of a layer.
    """

    name = "attention"
    space: ClassVar = {
        "dim": Choice(32, 64, 128),
        "depth": Int(1, 4),
        "dropout": Float(0.0, 0.5),
    }

    def __init__(
        self,
        inputs: Mapping[str, TokenSpec],
        n_outputs: int,
        *,
        dim: int = 64,
        depth: int = 2,
        heads: int = 4,
        ff: int = 128,
        dropout: float = 0.2,
    ) -> None:
        super().__init__(inputs, n_outputs)
        check_attention(dim, heads, ff, dropout)
        at_least(1, depth=depth)
        self.names = sorted(inputs)
        self.sequences = nn.ModuleList(PlacedSequence(inputs[name], dim) for name in self.names)
        self.cls_token = nn.Parameter(0.02 * torch.randn(dim))
        self.modality = nn.Parameter(0.02 * torch.randn(len(self.names), dim))
        self.encoder = make_transformer(dim, heads, depth, ff, dropout)
        self.classify = nn.Sequential(nn.Dropout(dropout), nn.Linear(dim, n_outputs))

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Outputs ``(B, n_outputs)``; from the CLS token alone if every modality is missing."""
        x, present = self._gather(tokens)
        outputs: Tensor = self.classify(self.encoder(x, src_key_padding_mask=~present)[:, 0])
        return outputs

    @torch.no_grad()
    def explain(self, tokens: Mapping[str, Tokens]) -> Mapping[str, Tensor]:
        """The attention of CLS in the last layer, averaged over heads.

        ``<modality>.instances`` ``(B, K)`` for a bag, over its present instances summing to 1; for a modality with one
        instance ``<modality>.tokens`` ``(B, T)``, whose attention sums to 1 over all modalities and CLS.
        """
        seen = self._cls_attention(self._gather(tokens))[:, 1:]
        shapes = [hold_a_token(tokens[name]).mask.shape for name in self.names]
        parts = torch.split(seen, [shape[1:].numel() for shape in shapes], dim=1)
        found = {}
        for name, shape, part in zip(self.names, shapes, parts, strict=True):
            if self.inputs[name].instances == 1:
                found[f"{name}.tokens"] = part
                continue
            shares = part.reshape(shape).sum(dim=2)
            found[f"{name}.instances"] = shares / shares.sum(dim=1, keepdim=True).clamp_min(1e-12)
        return found

    def _gather(self, tokens: Mapping[str, Tokens]) -> Part:
        """The input of the transformer: ``(B, 1 + N, dim)``, CLS first."""
        n_samples = len(tokens[self.names[0]].present)
        here = torch.ones(n_samples, 1, dtype=torch.bool, device=self.cls_token.device)
        parts = [Part(self.cls_token.expand(n_samples, 1, -1), here)]
        for name, sequence, kind in zip(self.names, self.sequences, self.modality, strict=True):
            x, present = sequence(tokens[name])
            parts.append(Part(x + kind, present))
        return join(parts)

    def _cls_attention(self, part: Part) -> Tensor:
        """The attention of CLS to each token in the last layer, ``(B, 1 + N)``, rows summing to 1."""
        x, present = part
        *first, last = self.encoder.layers
        for layer in first:
            x = layer(x, src_key_padding_mask=~present)
        x = last.norm1(x)
        weights: Tensor = last.self_attn(x[:, :1], x, x, key_padding_mask=~present)[1]
        return weights[:, 0]
