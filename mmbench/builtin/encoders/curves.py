"""Each channel resampled to a few points over its own length: the baseline of time series of unequal length."""

import torch
from torch import Tensor

from mmbench import Encoder, Modality, TokenSpec
from mmbench.builtin.arguments import at_least


class Curves(Encoder):
    """The course of each channel at ``points`` equal steps from its first to its last value, its mean and deviation.

    Values between samples are interpolated linearly. One token ``(1, C·(points + 2))``, channel by channel; the
    deviation divides by the number of samples. The duration itself is not part of it.
    """

    name = "curves"
    kinds = ("timeseries",)
    frozen = True

    def __init__(self, modality: Modality, *, points: int = 12) -> None:
        super().__init__(modality)
        at_least(2, points=points)
        self.points = points
        n_channels = modality.shape[0]
        assert n_channels is not None
        self.out = TokenSpec(1, n_channels * (points + 2))

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Series ``(n, C, time)`` to tokens ``(n, 1, C·(points + 2))``; computed in double precision."""
        series = x.double()
        longest = x.shape[-1]
        ends = torch.full((len(x),), longest, device=x.device) if lengths is None else lengths
        curves = resample(series, ends, self.points)
        weights = (torch.arange(longest, device=x.device) < ends[:, None]).to(series.dtype)[:, None]
        count = ends.clamp_min(1).to(series.dtype)[:, None]
        mean = (series * weights).sum(dim=-1) / count
        deviation = ((series - mean[..., None]).square() * weights).sum(dim=-1).div(count).sqrt()
        features = torch.cat([curves, mean[..., None], deviation[..., None]], dim=-1)
        return features.flatten(1).unsqueeze(1).to(x.dtype)


def resample(series: Tensor, lengths: Tensor, points: int) -> Tensor:
    """Linear interpolation ``(n, C, points)`` of series ``(n, C, time)`` at equal steps over their own lengths."""
    steps = torch.linspace(0, 1, points, dtype=series.dtype, device=series.device)
    at = (lengths - 1).clamp_min(0).to(series.dtype)[:, None] * steps
    before = at.floor().long()
    after = torch.minimum(before + 1, (lengths - 1).clamp_min(0)[:, None])
    share = (at - before)[:, None]

    def pick(index: Tensor) -> Tensor:
        return series.gather(-1, index[:, None].expand(-1, series.shape[1], -1))

    return torch.lerp(pick(before), pick(after), share)
