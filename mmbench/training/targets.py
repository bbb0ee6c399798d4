"""Targets of training: class indices, labels, or values in units of the training part's standard deviation."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


class TargetScale(nn.Module):
    """Mean and standard deviation of the values of the training part, ``(V,)``; part of the model's weights.

    A fusion works in standardised units, so that one loss and one learning rate suit values of any unit.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, n_values: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_values, dtype=torch.float64))
        self.register_buffer("deviation", torch.ones(n_values, dtype=torch.float64))

    def fit(self, values: NDArray[Any]) -> None:
        """Take mean and deviation from the values ``(n, V)`` of the training part; 1 for a constant one."""
        deviation = values.std(axis=0)
        is_constant = deviation <= 1e-12 * np.abs(values).max(axis=0)
        self.mean.copy_(torch.from_numpy(values.mean(axis=0)))
        self.deviation.copy_(torch.from_numpy(np.where(is_constant, 1.0, deviation)))

    def standardize(self, values: Tensor) -> Tensor:
        """Values ``(n, V)`` in units of the data, on the CPU, to float32 in standardised units."""
        return ((values.double() - self.mean.cpu()) / self.deviation.cpu()).float()

    def forward(self, outputs: Tensor) -> Tensor:
        """Outputs ``(n, V)`` of a fusion to units of the data, float64: values such as dates differ in late digits."""
        return outputs.double() * self.deviation + self.mean
