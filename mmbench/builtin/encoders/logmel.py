"""Small convolutional network on log-mel frames of a waveform."""

import math
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmbench import Encoder, Float, Int, Modality, SpecError, TokenSpec
from mmbench.builtin.arguments import at_least, fraction
from mmbench.builtin.encoders.masks import masked_mean, masked_norm
from mmbench.builtin.encoders.mel import POWER_FLOOR, LogMelFrames

STRIDE = 2


class LogMel(Encoder):
    """Convolutions over frequency and time of log-mel frames, trained with the rest: tokens in the order of time.

    Frames have ``mels`` bands, ``window`` seconds each, one every ``hop`` seconds, in dB relative to the loudest of the
    instance and no less than -``span``, so that neither the gain of a recording nor the level of its silence matters;
    each band is centred by its mean over the training part, and all are divided by their common deviation. Each of
    ``depth`` blocks halves frequency and time and doubles the channels, of which the first has ``width``; the bands
    that are left are joined to a token of width ``dim``. In training, a random stretch of bands and one of time are
    hidden, each of at most the share ``mask`` (Park et al. 2019, "SpecAugment"). ``pool`` takes the largest values over
    time (``max``) or their ``mean`` as one token; ``none`` keeps a token for each step.
    """

    name = "logmel"
    kinds = ("audio",)
    space: ClassVar = {
        "dim": Int(16, 256, log=True),
        "width": Int(8, 32, log=True),
        "depth": Int(1, 4),
        "dropout": Float(0.0, 0.5),
        "mask": Float(0.0, 0.5),
    }

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        modality: Modality,
        *,
        mels: int = 40,
        window: float = 0.032,
        hop: float = 0.01,
        span: float = 50.0,
        dim: int = 64,
        width: int = 16,
        depth: int = 3,
        dropout: float = 0.1,
        mask: float = 0.15,
        pool: Literal["max", "mean", "none"] = "max",
    ) -> None:
        super().__init__(modality)
        at_least(1, mels=mels, dim=dim, width=width)
        at_least(0, depth=depth)
        fraction(dropout=dropout, mask=mask)
        self.frames = LogMelFrames(modality, mels=mels, window=window, hop=hop)
        if not 0 < span < math.inf:
            raise SpecError(f"is {span}", where="span", remedy="give a positive number of dB")
        self.span, self.share, self.pool = span, mask, pool
        channels = modality.shape[0]
        assert channels is not None
        self.register_buffer("mean", torch.zeros(channels, mels, 1))
        self.register_buffer("deviation", torch.ones(()))
        widths = [channels, *(width * 2**number for number in range(depth))]
        self.blocks = nn.ModuleList(Block(*pair, dropout) for pair in pairwise(widths))
        for _ in range(depth):
            mels = -(-mels // STRIDE)
        self.project = nn.Linear(mels * widths[-1], dim)
        time = modality.shape[1]
        length = None if time is None else -(-(1 + time // self.frames.hop) // STRIDE**depth)
        self.out = TokenSpec(length if pool == "none" else 1, dim)

    def adapt(self, x: Tensor, lengths: Tensor | None = None) -> None:
        """Set the mean of each band, and the deviation of all, over the frames of waveforms ``(n, C, time)``."""
        levels, mask = self._levels(x, lengths)
        weights = mask.to(levels.dtype)[:, None, None]
        count = weights.sum().clamp_min(1)
        mean = (levels * weights).sum(dim=(0, 3)) / count
        variance = (((levels - mean[..., None]).square() * weights).sum(dim=(0, 3)) / count).mean()
        self.mean.copy_(mean[..., None])
        self.deviation.copy_(torch.where(variance > 0, variance.sqrt(), 1.0))

    def _levels(self, x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        """Levels ``(n, C, mels, F)`` in dB, from -span to 0, and the mask ``(n, F)`` of the frames of each instance."""
        logs, mask = self.frames(x, lengths)
        logs = logs.masked_fill(~mask[:, None, None], math.log(POWER_FLOOR))
        levels = 10 / math.log(10) * (logs - logs.amax(dim=(1, 2, 3), keepdim=True))
        return levels.clamp_min(-self.span), mask

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Waveforms ``(n, C, time)`` to tokens ``(n, T, dim)``, with their mask where the length is open."""
        levels, mask = self._levels(x, lengths)
        maps = (levels - self.mean) / self.deviation
        if self.training and self.share > 0:
            maps = hide_stretches(maps, mask.sum(dim=1), self.share)
        for block in self.blocks:
            maps, mask = block(maps, mask)
        tokens: Tensor = self.project(maps.flatten(1, 2).transpose(1, 2)) * mask[..., None]
        if self.pool == "max":
            return tokens.masked_fill(~mask[..., None], -math.inf).amax(dim=1, keepdim=True)
        if self.pool == "mean":
            return masked_mean(tokens, mask)[:, None]
        return tokens if self.out.length is not None else (tokens, mask)


class Block(nn.Module):
    """Convolution, normalisation over one instance, GELU and dropout; halves frequency and time, rounded up."""

    def __init__(self, channels: int, width: int, dropout: float) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, width, 3, stride=STRIDE, padding=1)
        self.norm = nn.GroupNorm(1, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, maps: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Maps ``(n, channels, mels, F)`` and the mask ``(n, F)`` of their frames, to those after the step."""
        maps = self.convolution(maps * mask[:, None, None])
        mask = mask[:, ::STRIDE]
        return self.dropout(F.gelu(masked_norm(maps, mask, self.norm))), mask


def hide_stretches(maps: Tensor, counts: Tensor, share: float) -> Tensor:
    """Maps ``(n, C, mels, F)`` with a random stretch of bands and one of the ``counts`` frames set to zero."""
    hidden = random_stretch(torch.full_like(counts, maps.shape[2]), maps.shape[2], share)[:, None, :, None]
    hidden = hidden | random_stretch(counts, maps.shape[3], share)[:, None, None]
    return maps.masked_fill(hidden, 0.0)


def random_stretch(sizes: Tensor, longest: int, share: float) -> Tensor:
    """Bool ``(n, longest)``, True on a stretch of up to ``share`` of each size at a random place within it."""
    draws = torch.rand(2, len(sizes), device=sizes.device)
    widths = (draws[0] * share * sizes).round()
    starts = (draws[1] * (sizes - widths)).round()
    steps = torch.arange(longest, device=sizes.device)
    return (steps >= starts[:, None]) & (steps < (starts + widths)[:, None])
