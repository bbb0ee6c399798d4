"""Mean and spectral power of each channel: simple features of time series of any rate."""

from itertools import pairwise

import torch
from torch import Tensor

from mmbench import Encoder, Modality, TokenSpec
from mmbench.builtin.arguments import at_least

# Below the noise of any sensor, even in volts: reached by constant channels only.
POWER_FLOOR = 1e-20


class Spectrum(Encoder):
    """The mean of each channel, and the logarithm of its power in octaves below half the rate, one token.

    The highest octave ends at half the rate, each next one is half as wide; the lowest covers the rest.
    There are ``octaves`` of them, fewer in windows too short for so many. The order is channel by channel:
    ``(1, C·(1 + octaves))``. No rate is needed. Powers are those under a Hann window, in squares of the input's unit.
    Of instances that differ in length, powers are divided by the length, so that they do not grow with it; those too
    short for the lowest octave are continued with zeros.
    """

    name = "spectrum"
    kinds = ("timeseries",)
    frozen = True

    def __init__(self, modality: Modality, *, octaves: int = 6) -> None:
        super().__init__(modality)
        at_least(1, octaves=octaves)
        n_channels, length = modality.shape
        assert n_channels is not None
        self.octaves = octaves
        self.edges = find_edges(2**octaves if length is None else length // 2, octaves)
        self.out = TokenSpec(1, n_channels * len(self.edges))

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Windows ``(n, C, time)`` to tokens ``(n, 1, D)``; computed in double precision."""
        if lengths is not None:
            own = [self._features_of(series[None, :, :length]) for series, length in zip(x, lengths, strict=True)]
            return torch.cat(own)
        return self._features(x, self.edges)

    def _features_of(self, x: Tensor) -> Tensor:
        """Tokens ``(1, 1, D)`` of one instance of open length, ``(1, C, time)``."""
        n_fft = max(x.shape[-1], 2 ** (self.octaves + 1))
        return self._features(x, find_edges(n_fft // 2, self.octaves), n_fft, scale=1 / n_fft)

    def _features(self, x: Tensor, edges: list[int], n_fft: int | None = None, scale: float = 1.0) -> Tensor:
        series = x.double()
        mean = series.mean(dim=-1, keepdim=True)
        taper = torch.hann_window(x.shape[-1], periodic=False, dtype=series.dtype, device=x.device)
        power = torch.fft.rfft((series - mean) * taper, n=n_fft).abs().square() / taper.square().sum().clamp_min(1)
        bands = [scale * power[..., low:high].sum(dim=-1) for low, high in pairwise(edges)]
        logs = [band.clamp_min(POWER_FLOOR).log() for band in bands]
        features = torch.stack([mean.squeeze(-1), *logs], dim=-1)
        return features.flatten(1).unsqueeze(1).to(x.dtype)


def find_edges(highest: int, octaves: int) -> list[int]:
    """The edges of the octaves among the frequency bins 1 to ``highest``, ascending; one more than octaves."""
    edges = [highest + 1]
    while len(edges) <= octaves and edges[0] > 1:
        low = highest // 2 ** len(edges) + 1
        edges.insert(0, 1 if len(edges) == octaves or low >= edges[0] else low)
    return edges
