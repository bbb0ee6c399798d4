"""Mean and spectral power of each channel: simple features of time series of any rate."""

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
    """

    name = "spectrum"
    kinds = ("timeseries",)
    frozen = True

    def __init__(self, modality: Modality, *, octaves: int = 6) -> None:
        super().__init__(modality)
        at_least(1, octaves=octaves)
        n_channels, length = modality.fixed_shape
        self.edges = find_edges(length // 2, octaves)
        self.out = TokenSpec(1, n_channels * len(self.edges))

    def forward(self, x: Tensor) -> Tensor:
        """Windows ``(n, C, time)`` to tokens ``(n, 1, D)``; computed in double precision."""
        series = x.double()
        mean = series.mean(dim=-1, keepdim=True)
        taper = torch.hann_window(x.shape[-1], periodic=False, dtype=series.dtype, device=x.device)
        power = torch.fft.rfft((series - mean) * taper, dim=-1).abs().square() / taper.square().sum().clamp_min(1)
        bands = [power[..., low:high].sum(dim=-1) for low, high in zip(self.edges, self.edges[1:], strict=False)]
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
