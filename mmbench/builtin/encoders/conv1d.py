"""Convolutional network for time series of any rate and length."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from mmbench import Encoder, Float, Int, Modality, SpecError, TokenSpec
from mmbench.builtin.arguments import at_least, fraction

STEM_STRIDE = 4
BLOCK_KERNEL = 5


class Conv1d(Encoder):
    """Strided convolutions over time, trained with the rest: tokens ``(T', dim)`` in the order of time.

    The first convolution spans ``kernel`` seconds (samples where the modality has no rate, at least 3 and at most
    the window) and keeps every fourth step; each of ``depth`` residual blocks then halves the time, as long as there
    are four steps. Only the branches are normalised (over channels and time of one instance, never over the batch),
    so that the amplitude of the signal reaches the tokens.
    """

    name = "conv1d"
    kinds = ("timeseries",)
    space: ClassVar = {
        "dim": Int(16, 256, log=True),
        "depth": Int(1, 5),
        "kernel": Float(0.02, 1.0, log=True),
        "dropout": Float(0.0, 0.5),
    }

    def __init__(
        self, modality: Modality, *, dim: int = 64, depth: int = 3, kernel: float = 0.1, dropout: float = 0.1
    ) -> None:
        super().__init__(modality)
        at_least(1, dim=dim)
        at_least(0, depth=depth)
        fraction(dropout=dropout)
        n_channels, length = modality.fixed_shape
        size = odd_kernel(kernel, modality.rate, length)
        stride = max(1, min(STEM_STRIDE, length // STEM_STRIDE))
        self.stem = nn.Conv1d(n_channels, dim, size, stride=stride, padding=size // 2)
        length = -(-length // stride)
        self.blocks = nn.ModuleList()
        for _ in range(depth):
            stride = 2 if length >= 4 else 1
            self.blocks.append(Block(dim, stride, dropout))
            length = -(-length // stride)
        self.out = TokenSpec(length, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Windows ``(n, C, time)`` to tokens ``(n, T', dim)``."""
        x = nn.functional.gelu(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return x.transpose(1, 2)


class Block(nn.Module):
    """``pool(x) + conv(gelu(norm(x)))`` over ``(n, dim, time)``; both keep ceil(time / stride) steps."""

    def __init__(self, dim: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.shortcut = nn.AvgPool1d(stride, ceil_mode=True)
        self.branch = nn.Sequential(
            nn.GroupNorm(1, dim),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Conv1d(dim, dim, BLOCK_KERNEL, stride=stride, padding=BLOCK_KERNEL // 2),
        )

    def forward(self, x: Tensor) -> Tensor:
        """One step down in time."""
        return torch.add(self.shortcut(x), self.branch(x))


def odd_kernel(seconds: float, rate: float | None, length: int) -> int:
    """The odd number of samples nearest to ``seconds``, between 3 and the window's ``length``."""
    if seconds <= 0:
        raise SpecError(f"is {seconds}", where="kernel", remedy="give a positive number of seconds")
    return max(3, min(round(seconds * (rate or 1)), length)) | 1
