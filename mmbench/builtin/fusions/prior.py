"""Prior: the baseline that uses no input."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mmbench import Criterion, Fusion, Tokens, TokenSpec


class Prior(Fusion):
    """The same prediction for every sample, from the targets of the training part.

    Classes: their frequencies, ``log((n_c + 1) / Σ(n + 1))``. Labels: the log odds of each,
    ``log((n_l + 1) / (n - n_l + 1))``. Values: the mean, which is zero in standardised units. It has no parameters:
    training is one pass that counts, and weights of classes and labels do not change what it predicts.
    """

    name = "prior"
    counts: Tensor
    n_samples: Tensor

    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int) -> None:
        super().__init__(inputs, n_outputs)
        self.register_buffer("counts", torch.zeros(n_outputs))
        self.register_buffer("n_samples", torch.zeros(()))

    @classmethod
    def uses(cls, modalities: Sequence[str], **params: object) -> Sequence[str]:
        """None of the modalities."""
        return ()

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Outputs ``(B, n_outputs)``, the same in every row."""
        batch_size = len(next(iter(tokens.values())).present)
        return self._outputs().expand(batch_size, -1)

    def _outputs(self) -> Tensor:
        if self.task.kind == "values":
            return torch.zeros_like(self.counts)
        smoothed = self.counts + 1
        if self.task.kind == "labels":
            return smoothed.log() - (self.n_samples - self.counts + 1).log()
        return (smoothed / smoothed.sum()).log()

    def training_loss(self, tokens: Mapping[str, Tokens], target: Tensor, criterion: Criterion) -> Tensor:
        """Zero; counts the targets when in training mode."""
        if self.training:
            self.n_samples += len(target)
            if self.task.kind == "labels":
                self.counts += target.sum(dim=0)
            elif self.task.kind == "class":
                self.counts += torch.bincount(target, minlength=self.n_outputs)
        return self.counts.new_zeros(())
