"""Logistic regression: the baseline of every network."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mmbench import Fusion, Tokens, TokenSpec


class Linear(Fusion):
    """One linear layer from the concatenated tokens of all instances of all modalities to the logits.

    On frozen tokens, which the host standardises by the training part, this is logistic regression; the weight decay
    of the training is its L2 penalty. Absent instances are zero, which is the mean. Weights start from zero, so that
    nothing is random.
    """

    name = "linear"

    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int) -> None:
        super().__init__(inputs, n_outputs)
        self.names = sorted(inputs)
        width = sum(spec.instances * spec.length * spec.dim for spec in inputs.values())
        self.layer = nn.Linear(width, n_outputs)
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Logits ``(B, C)``."""
        flat = [
            tokens[name].x.masked_fill(~tokens[name].present[:, :, None, None], 0).flatten(1) for name in self.names
        ]
        logits: Tensor = self.layer(torch.cat(flat, dim=1))
        return logits
