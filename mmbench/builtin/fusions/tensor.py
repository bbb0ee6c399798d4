"""Tensor fusion: all products of features of different modalities."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from mmbench import Choice, Float, Fusion, Int, SpecError, Tokens, TokenSpec
from mmbench.builtin.arguments import at_least
from mmbench.builtin.fusions.pooling import Pool, Summary, any_present, check_sizes

# Maximum number of inputs of the perceptron: 31 features of each of three modalities, 12 of four.
MAX_PRODUCTS = 2**15


class Tensorial(Fusion):
    """``[h_1; 1] ⊗ [h_2; 1] ⊗ …`` of the modalities' summaries, then a perceptron with one hidden layer.

    Zadeh et al. 2017, "Tensor fusion network for multimodal sentiment analysis" (arXiv 1707.07250). Each summary has
    ``dim`` features, or as many fewer as keep the product within 32,768: at most 180 of two modalities, 31 of three,
    12 of four, and so on up to 15 modalities, above which SpecError is raised. ``hidden`` is the width of the
    perceptron. The summary of a missing modality is zero; its 1 stays, so that the products of the others are left.
    ``pool`` is as in ``concat``.
    """

    name = "tensor"
    space: ClassVar = {
        "dim": Int(8, 64, log=True),
        "hidden": Int(32, 256, log=True),
        "dropout": Float(0.0, 0.6),
        "pool": Choice("flatten", "mean"),
    }

    def __init__(
        self,
        inputs: Mapping[str, TokenSpec],
        n_outputs: int,
        *,
        dim: int = 32,
        hidden: int = 128,
        dropout: float = 0.3,
        pool: Pool = "flatten",
    ) -> None:
        super().__init__(inputs, n_outputs)
        check_sizes(dim, dropout)
        at_least(1, hidden=hidden)
        self.names = sorted(inputs)
        width = min(dim, widest(len(self.names)))
        self.summaries = nn.ModuleList(Summary(inputs[name], width, pool) for name in self.names)
        self.classify = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear((width + 1) ** len(self.names), hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, n_outputs),
        )

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Outputs ``(B, n_outputs)``."""
        outputs: Tensor = self.classify(outer(summaries_with_one(self.names, self.summaries, tokens)))
        return outputs


def summaries_with_one(names: list[str], summaries: nn.ModuleList, tokens: Mapping[str, Tokens]) -> list[Tensor]:
    """``[h; 1]`` of each modality, ``(B, dim + 1)``; h is zero where the modality is missing."""
    extended = []
    for name, summary in zip(names, summaries, strict=True):
        h = summary(tokens[name]) * any_present(tokens[name])
        extended.append(torch.cat([h, h.new_ones(len(h), 1)], dim=1))
    return extended


def outer(vectors: list[Tensor]) -> Tensor:
    """The flattened outer product of vectors ``(B, n_m)``, ``(B, Π n_m)``; the last index runs fastest."""
    product = vectors[0]
    for vector in vectors[1:]:
        product = (product[:, :, None] * vector[:, None]).flatten(1)
    return product


def widest(n_modalities: int) -> int:
    """The maximum number of features per modality; SpecError if even one is too many."""
    width = 0
    while (width + 2) ** n_modalities <= MAX_PRODUCTS:
        width += 1
    if width == 0:
        raise SpecError(
            f"{n_modalities} modalities have at least {2**n_modalities} products, and the maximum is {MAX_PRODUCTS}",
            where="tensor",
            remedy="choose some with --modalities, or the fusion lowrank",
        )
    return width
