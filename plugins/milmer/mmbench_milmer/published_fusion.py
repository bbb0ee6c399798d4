"""Milmer's fusion as its public code computes it, including its errors, to reproduce its numbers.

The errors: selection uses indices only and so is never trained (except ``amil``), its scorer is one layer of (T·D)²
weights, nothing is masked, EEG channels have no embedding, and on CUDA the CLS token is not a parameter.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmbench_milmer.options import BalancingName, PublishedSelector

N_QUERIES = 147
"""Fixed in the public code: 3 instances × 49 tokens."""

_IMAGE, _EEG = 0, 1  # rows of the token-type embeddings


class Sizes(NamedTuple):
    """Sizes of the public model: T tokens of D features an image, K instances of which k are selected."""

    dim: int
    length: int
    n_instances: int
    k: int
    n_outputs: int


class Layers(NamedTuple):
    """Settings of the transformer and of the queries, with the values of the public class."""

    depth: int = 2
    heads: int = 12
    ff: int = 2048
    dropout: float = 0.2
    head_dropout: float = 0.1
    queries: int = N_QUERIES


class PublishedFusion(nn.Module):
    """Image tokens ``(B, K, T, D)`` and EEG tokens ``(B, C, D)`` to logits, as the public model computes them.

    Parameters have the public names; only those of the chosen selector are made. ``cls_token`` is a plain tensor, as
    it becomes on CUDA, where the authors trained.
    """

    def __init__(self, sizes: Sizes, selector: PublishedSelector, balancing: BalancingName, layers: Layers) -> None:
        super().__init__()
        dim = sizes.dim
        self.sizes, self.selector, self.balancing = sizes, selector, balancing
        self.token_type_embeddings = nn.Embedding(2, dim)
        layer = nn.TransformerEncoderLayer(dim, layers.heads, layers.ff, layers.dropout, batch_first=True)
        self.transformer_encoder = nn.TransformerEncoder(layer, layers.depth)
        self.cls_token = torch.zeros(1, 1, dim).requires_grad_()
        self.dropout = nn.Dropout(layers.head_dropout)
        self.classifier = nn.Linear(dim, sizes.n_outputs)
        if balancing == "cross_attention":
            self.query_tokens = nn.Parameter(0.02 * torch.randn(1, layers.queries, dim))
            self.cross_attention = nn.MultiheadAttention(dim, layers.heads, layers.dropout, batch_first=True)
        elif balancing == "mlp":
            self.mlp_up = nn.Linear(dim, 4 * dim)
            self.mlp_down = nn.Linear(4 * dim, dim)
        self._make_scorer(sizes, selector)

    def _make_scorer(self, sizes: Sizes, selector: PublishedSelector) -> None:
        flat = sizes.length * sizes.dim
        if selector == "softmax":
            self.instance_weights = nn.Parameter(torch.ones(1, sizes.n_instances))
        elif selector == "amil":
            self.amil_value_proj = nn.Linear(sizes.dim, sizes.dim)
            self.amil_weight_proj = nn.Linear(sizes.dim, 1)
        elif selector != "none":
            self.topk_value_proj = nn.Linear(flat, flat)
            self.topk_weight_proj = nn.Linear(flat, 1)
        if selector == "attention_topk":
            self.topk_dimension_recover = nn.Linear(flat, sizes.n_instances)

    def forward(self, images: Tensor, eeg: Tensor) -> Tensor:
        """Logits ``(B, C)``."""
        encoded = self.transformer_encoder(self.input_tokens(images, eeg))
        logits: Tensor = self.classifier(self.dropout(encoded[:, 0]))
        return logits

    def input_tokens(self, images: Tensor, eeg: Tensor) -> Tensor:
        """Input of the transformer: CLS, image tokens, EEG tokens ``(B, N, D)``."""
        types = self.token_type_embeddings.weight
        balanced = self.balance(self.select(images)) + types[_IMAGE]
        cls = self.cls_token.to(eeg.device, eeg.dtype).expand(len(eeg), -1, -1)
        return torch.cat([cls, balanced, eeg + types[_EEG]], dim=1)

    def select(self, images: Tensor) -> Tensor:
        """Tokens ``(B, N, D)``: those of the first image, of k images, or for ``amil`` one for all images."""
        if self.selector == "none":
            return images[:, 0]
        if self.selector == "amil":
            return (images.mean(dim=2) * self.scores(images)[..., None]).sum(dim=1, keepdim=True)
        index = self.choose(images)[:, :, None, None].expand(-1, -1, *images.shape[2:])
        return images.gather(1, index).flatten(1, 2)

    def choose(self, images: Tensor) -> Tensor:
        """Indices ``(B, k)`` of the selected images in the bag."""
        scores = self.scores(images)
        if self.selector == "attention_topk":
            # Scores of positions, not of their contents: a layer over the weighted sum of the bag.
            scores = self.topk_dimension_recover((images.flatten(2) * scores[..., None]).sum(dim=1))
        return scores.topk(self.sizes.k, dim=1).indices

    def scores(self, images: Tensor) -> Tensor:
        """Softmax weights ``(B, K)`` of the instances."""
        if self.selector == "softmax":
            return self.instance_weights.softmax(dim=1).expand(len(images), -1)
        if self.selector == "amil":
            raw = self.amil_weight_proj(torch.tanh(self.amil_value_proj(images.mean(dim=2))))
        else:
            raw = self.topk_weight_proj(torch.tanh(self.topk_value_proj(images.flatten(2))))
        return torch.as_tensor(raw[..., 0].softmax(dim=1))

    def balance(self, x: Tensor) -> Tensor:
        """Map tokens ``(B, N, D)`` to those of the transformer's input."""
        if self.balancing == "cross_attention":
            queries = self.query_tokens.expand(len(x), -1, -1)
            # In training with weights, as in the public code: dropout draws other random numbers without.
            attended: Tensor = self.cross_attention(queries, x, x, need_weights=self.training)[0]
            return attended
        if self.balancing == "mlp":
            return torch.as_tensor(self.mlp_down(F.gelu(self.mlp_up(x))))
        return x

    @torch.no_grad()
    def instance_weights_of(self, images: Tensor) -> Tensor:
        """The weight ``(B, K)`` of each instance in the selection."""
        if self.selector == "amil":
            return self.scores(images)
        zeros = torch.zeros(images.shape[:2], device=images.device)
        if self.selector == "none":
            return zeros.index_fill(1, torch.tensor([0], device=images.device), 1.0)
        return zeros.scatter(1, self.choose(images), 1 / self.sizes.k)
