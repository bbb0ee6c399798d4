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
from mmbench.builtin.encoders.spectral_augmentation import hide_stretches, random_factors, warp_frequencies

STRIDE = 2


class LogMel(Encoder):
    """Convolutions over frequency and time of log-mel frames, trained with the rest: tokens in the order of time.

    Frames have ``mels`` bands, ``window`` seconds each, one every ``hop`` seconds, in dB relative to the loudest of the
    instance and no less than -``span``, so that neither the gain of a recording nor the level of its silence matters;
    each band is centred by its mean over the training part, and all are divided by their common deviation. ``centre``
    is the share of the difference between an instance's own mean of a band and that of the training part that is taken
    away, so that voices and microphones differ less (all of it: cepstral mean subtraction, Atal 1974); of a short
    instance, the mean is also a part of what was said. Each of ``depth`` blocks halves frequency and time and doubles
    the channels, of which the first has ``width``; the bands that are left are joined to a token of width ``dim``.
    ``pool`` takes the largest values over time (``max``) or their ``mean`` as one token; ``none`` keeps a token for
    each step.

    In training, one random factor from 1 / (1 + ``warp``) to 1 + ``warp`` multiplies all frequencies of an instance, as
    the vocal tract of another speaker would (Jaitly & Hinton 2013, "Vocal Tract Length Perturbation"); then a random
    stretch of bands and one of time are hidden, each of at most the share ``mask`` (Park et al. 2019, "SpecAugment").
    """

    name = "logmel"
    kinds = ("audio",)
    space: ClassVar = {
        "dim": Int(16, 256, log=True),
        "width": Int(8, 32, log=True),
        "depth": Int(1, 4),
        "dropout": Float(0.0, 0.5),
        "mask": Float(0.0, 0.5),
        "warp": Float(0.0, 0.3),
        "centre": Float(0.0, 1.0),
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
        warp: float = 0.15,
        centre: float = 0.5,
        pool: Literal["max", "mean", "none"] = "max",
    ) -> None:
        super().__init__(modality)
        at_least(1, mels=mels, dim=dim, width=width)
        at_least(0, depth=depth)
        fraction(dropout=dropout, mask=mask, warp=warp)
        if not 0 <= centre <= 1:
            raise SpecError(f"is {centre}", where="centre", remedy="give a number from 0 to 1")
        self.frames = LogMelFrames(modality, mels=mels, window=window, hop=hop)
        if not 0 < span < math.inf:
            raise SpecError(f"is {span}", where="span", remedy="give a positive number of dB")
        self.span, self.share, self.warp, self.centre, self.pool = span, mask, warp, centre, pool
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
        if self.training and self.warp > 0:
            factors = random_factors(len(levels), self.warp, levels.device)
            levels = warp_frequencies(levels, self.frames.bands_at(factors))
        if self.centre > 0:
            weights = mask.to(levels.dtype)[:, None, None]
            own = (levels * weights).sum(-1, keepdim=True) / weights.sum(-1, keepdim=True).clamp_min(1)
            levels = levels - self.centre * (own - self.mean)
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
