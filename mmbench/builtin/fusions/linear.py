"""Logistic regression: the baseline of every network."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mmbench import Fusion, Tokens, TokenSpec
from mmbench.builtin.fusions.pooling import N_PARTS, mean_of_parts


class Linear(Fusion):
    """One linear layer from the concatenated tokens of all instances of all modalities to the outputs.

    On frozen tokens, which the host standardises by the training part, this is logistic regression, or for values
    linear regression; the weight decay of the training is its L2 penalty. Absent instances are zero, which is the mean.
    Where the length of a modality is open, the means of eight equal parts of an instance take the place of its tokens.
    Weights start from zero, so that nothing is random.
    """

    name = "linear"

    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int) -> None:
        super().__init__(inputs, n_outputs)
        self.names = sorted(inputs)
        width = sum(_n_features(spec) for spec in inputs.values())
        self.layer = nn.Linear(width, n_outputs)
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        """Outputs ``(B, n_outputs)``."""
        outputs: Tensor = self.layer(
            torch.cat([_features(self.inputs[name], tokens[name]) for name in self.names], dim=1)
        )
        return outputs


def _n_features(spec: TokenSpec) -> int:
    return spec.instances * spec.dim * (N_PARTS if spec.length is None else spec.length)


def _features(spec: TokenSpec, tokens: Tokens) -> Tensor:
    """The features ``(B, n)`` of a modality, zero where an instance is absent."""
    if spec.length is None:
        return mean_of_parts(tokens, N_PARTS).flatten(1)
    return tokens.x.masked_fill(~tokens.present[:, :, None, None], 0).flatten(1)
