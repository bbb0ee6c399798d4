"""Milmer's encoder of time series: one token per channel."""

import torch
from torch import Tensor, nn

from mmbench import Encoder, Modality, SpecError, TokenSpec


class MilmerEEG(Encoder):
    """LayerNorm over time → Linear(T, dim) → ReLU: ``(n, C, T)`` to one token per channel, ``(n, C, dim)``.

    ``channel_embedding`` adds a learned vector to each channel's token; the published code has none, so that
    all later layers are invariant to the order of electrodes. Wang et al. 2026 (arXiv 2502.00547).
    """

    name = "milmer-eeg"
    kinds = ("timeseries",)

    def __init__(self, modality: Modality, *, dim: int = 768, channel_embedding: bool = True) -> None:
        super().__init__(modality)
        if dim < 1:
            raise SpecError(f"dim={dim} is not a width", where=self.name, remedy="set dim to 1 or more")
        n_channels, n_times = modality.fixed_shape
        self.project = nn.Sequential(nn.LayerNorm(n_times), nn.Linear(n_times, dim), nn.ReLU())
        self.channels = nn.Parameter(0.02 * torch.randn(n_channels, dim)) if channel_embedding else None
        self.out = TokenSpec(length=n_channels, dim=dim)

    def forward(self, x: Tensor) -> Tensor:
        """``(n, C, T)`` to ``(n, C, dim)``."""
        tokens: Tensor = self.project(x)
        return tokens if self.channels is None else tokens + self.channels
