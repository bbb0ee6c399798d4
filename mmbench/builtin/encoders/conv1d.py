"""Convolutional network for time series of any rate and length, of one length or of several."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from mmbench import Encoder, Float, Int, Modality, SpecError, TokenSpec
from mmbench.builtin.arguments import at_least, fraction
from mmbench.builtin.encoders.masks import masked_norm, prefix_mask

STEM_STRIDE = 4
BLOCK_KERNEL = 5


class Conv1d(Encoder):
    """Strided convolutions over time, trained with the rest: tokens ``(T', dim)`` in the order of time.

    The first convolution spans ``kernel`` seconds (samples where the modality has no rate, at least 3 and at most
    the window) and keeps every fourth step; each of ``depth`` residual blocks then halves the time, as long as there
    are four steps, or always where instances differ in length. Only the branches are normalised (over channels and
    time of one instance, never over the batch), so that the amplitude of the signal reaches the tokens.
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
        n_channels, length = modality.shape
        assert n_channels is not None
        size = odd_kernel(kernel, modality.rate, length)
        stride = STEM_STRIDE if length is None else max(1, min(STEM_STRIDE, length // STEM_STRIDE))
        self.stem = nn.Conv1d(n_channels, dim, size, stride=stride, padding=size // 2)
        length = shorten(length, stride)
        self.blocks = nn.ModuleList()
        for _ in range(depth):
            stride = 2 if length is None or length >= 4 else 1
            self.blocks.append(Block(dim, stride, dropout))
            length = shorten(length, stride)
        self.out = TokenSpec(length, dim)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Windows ``(n, C, time)`` to tokens ``(n, T', dim)``, with their mask where instances differ in length."""
        if lengths is not None:
            return self._forward_masked(x, lengths)
        x = nn.functional.gelu(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return x.transpose(1, 2)

    def _forward_masked(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        mask = prefix_mask(lengths, x.shape[-1])
        x = nn.functional.gelu(self.stem(x * mask[:, None]))
        mask = mask[:, :: self.stem.stride[0]]
        for block in self.blocks:
            assert isinstance(block, Block)
            x, mask = block.masked(x, mask)
        return x.transpose(1, 2) * mask[..., None], mask


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

    def masked(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The same for the steps under a mask ``(n, time)`` alone, with the mask of the steps that are left."""
        norm, activation, dropout, convolution = self.branch
        assert isinstance(norm, nn.GroupNorm)
        assert isinstance(convolution, nn.Conv1d)
        weights = mask.to(x.dtype)[:, None]
        branch = convolution(dropout(activation(masked_norm(x, mask, norm))) * weights)
        # The shortcut averages what is there, as it does at the end of a window.
        shortcut = self.shortcut(x * weights) / self.shortcut(weights).clamp_min(1e-6)
        return torch.add(shortcut, branch), mask[:, :: convolution.stride[0]]


def shorten(length: int | None, stride: int) -> int | None:
    """The number of steps that are left; None where it is open."""
    return None if length is None else -(-length // stride)


def odd_kernel(seconds: float, rate: float | None, length: int | None) -> int:
    """The odd number of samples nearest to ``seconds``, between 3 and the window's ``length`` where it has one."""
    if seconds <= 0:
        raise SpecError(f"is {seconds}", where="kernel", remedy="give a positive number of seconds")
    size = round(seconds * (rate or 1))
    return max(3, size if length is None else min(size, length)) | 1
