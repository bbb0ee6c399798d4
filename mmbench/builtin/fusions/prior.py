"""Class prior: the baseline that uses no input."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mmbench import Criterion, Fusion, Tokens, TokenSpec


class Prior(Fusion):
    """The class frequencies of the training part, ``log((n_c + 1) / Σ(n + 1))``, for every sample.

    It has no parameters: training is one pass that counts, and class weights do not change what it predicts.
    """

    name = "prior"
    counts: Tensor

    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int) -> None:
        super().__init__(inputs, n_outputs)
        self.register_buffer("counts", torch.zeros(n_outputs))

    @classmethod
    def uses(cls, modalities: Sequence[str], **params: object) -> Sequence[str]:
        """None of the modalities."""
        return ()

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Logits ``(B, C)``, the same in every row."""
        n_samples = len(next(iter(tokens.values())).present)
        smoothed = self.counts + 1
        return (smoothed / smoothed.sum()).log().expand(n_samples, -1)

    def training_loss(self, tokens: Mapping[str, Tokens], labels: Tensor, criterion: Criterion) -> Tensor:
        """Zero; counts the labels when in training mode."""
        if self.training:
            self.counts += torch.bincount(labels, minlength=self.n_outputs)
        return self.counts.new_zeros(())
