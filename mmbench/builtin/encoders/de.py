"""Differential entropy of frequency bands, the standard feature of EEG baselines."""

import math
import re
from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmbench import Encoder, Modality, SpecError, TokenSpec

BANDS = {
    "five": "1-4+4-8+8-14+14-31+31-45",  # delta, theta, alpha, beta, gamma
    "four": "4-8+8-14+14-31+31-45",  # without delta, for recordings with a high-pass filter at 4 Hz
}
ORDER = 5
# Below the noise of any amplifier, even in volts (0.1 nV): reached by dead channels only (-20.6 nats).
VARIANCE_FLOOR = 1e-20
SHORT = 256
"""Samples per window up to which a product with all impulse responses is faster than filtering."""


class DifferentialEntropy(Encoder):
    """½ ln(2πeσ²) of each channel in each band, in nats: the entropy of a Gaussian of that variance.

    ``bands`` is ``five``, ``four`` or edges in Hz such as ``4-8+8-14``; a Butterworth band-pass of order 5 runs
    forward through each window from rest. ``per=sample`` gives one token ``(1, C·bands)``, channel by channel;
    ``per=channel`` gives ``(C, bands)``. A channel of zeros gets the entropy of the variance 1e-20.
    Duan et al. 2013, "Differential entropy feature for EEG-based emotion classification".

    TorchEEG's transform (1.1.3) takes log₂ for ln: a multiple of this, equal once standardised.
    """

    name = "de"
    kinds = ("timeseries",)
    # Nothing to tune: each value would need a new pass over the whole dataset.
    space: ClassVar = {}
    frozen = True

    def __init__(
        self, modality: Modality, *, bands: str = "five", per: Literal["sample", "channel"] = "sample"
    ) -> None:
        super().__init__(modality)
        self.edges = parse_bands(bands)
        self.per = per
        self.filters = design_filters(self.edges, modality)
        n_channels, n_times = modality.shape
        assert n_channels is not None
        n_bands = len(self.edges)
        is_short = n_times is not None and n_times <= SHORT
        self.responses = centred_responses(self.filters, n_times) if is_short and n_times is not None else None
        self.out = TokenSpec(1, n_channels * n_bands) if per == "sample" else TokenSpec(n_channels, n_bands)

    @torch.no_grad()
    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Windows ``(n, C, time)`` to entropies ``(n, T, D)``, each over its own length; in double precision."""
        windows = x.detach().cpu().double()
        variances = self._variances(windows) if lengths is None else self._variances_of(windows, lengths.tolist())
        entropies = 0.5 * np.log(2 * math.pi * math.e * np.maximum(variances, VARIANCE_FLOOR))
        return torch.from_numpy(entropies).to(x).reshape(len(x), -1, self.out.dim)

    def _variances(self, windows: Tensor) -> NDArray[np.float64]:
        """Of each channel in each band ``(n, C, bands)``."""
        if self.responses is None:
            from scipy.signal import sosfilt

            return np.stack([sosfilt(sos, windows, axis=-1).var(axis=-1) for sos in self.filters], axis=-1)
        n_times = windows.shape[-1]
        centred = (windows @ torch.from_numpy(self.responses)).reshape(*windows.shape[:-1], -1, n_times)
        variances: NDArray[np.float64] = torch.linalg.vector_norm(centred, dim=-1).square().div(n_times).numpy()
        return variances

    def _variances_of(self, windows: Tensor, lengths: Sequence[int]) -> NDArray[np.float64]:
        """The same for windows of these lengths: a filter that runs forward does not see the padding behind them."""
        from scipy.signal import sosfilt

        filtered = np.stack([sosfilt(sos, windows, axis=-1) for sos in self.filters], axis=2)
        return np.stack([each[..., :length].var(axis=-1) for each, length in zip(filtered, lengths, strict=True)])


def centred_responses(filters: Sequence[NDArray[np.float64]], n_times: int) -> NDArray[np.float64]:
    """The centred response of each filter to an impulse at each time of a window: ``(time, bands · time)``.

    Filters are linear: a window ``(C, time)`` times this is the filtered window less its mean, band by band.
    """
    from scipy.signal import sosfilt

    filtered = np.stack([sosfilt(sos, np.eye(n_times), axis=-1) for sos in filters], axis=1)
    centred: NDArray[np.float64] = filtered - filtered.mean(axis=-1, keepdims=True)
    return centred.reshape(n_times, -1)


def parse_bands(text: str) -> list[tuple[float, float]]:
    """Band edges in Hz from a name in ``BANDS`` or from text such as ``4-8+8-14``."""
    edges = []
    for band in BANDS.get(text, text).split("+"):
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)\s*", band)
        if match is None or not 0 < float(match[1]) < float(match[2]):
            raise SpecError(
                f"{band!r} is not a band",
                where=f"bands={text}",
                remedy=f"use {' or '.join(BANDS)}, or edges in Hz: 4-8+8-14",
            )
        edges.append((float(match[1]), float(match[2])))
    return edges


def design_filters(edges: list[tuple[float, float]], modality: Modality) -> list[NDArray[np.float64]]:
    """Band-pass filters as second-order sections, which are stable for narrow bands at high rates."""
    from scipy.signal import butter

    rate = modality.rate
    if rate is None:
        raise SpecError(
            "has no sampling rate",
            where=modality.name,
            remedy=f"choose another encoder than de: --encoder {modality.name}=spectrum, or curves",
        )
    for low, high in edges:
        if high >= rate / 2:
            raise SpecError(
                f"the band {low:g}-{high:g} Hz is not below half of its rate of {rate:g} Hz",
                where=modality.name,
                remedy=f"choose --encoder {modality.name}=spectrum, or bands below {rate / 2:g} Hz: "
                f"--encoder '{modality.name}=de[bands={rate / 16:g}-{rate / 4:g}]'",
            )
    return [butter(ORDER, band, btype="bandpass", fs=rate, output="sos") for band in edges]
