"""Resampling of time series by a fixed polyphase filter."""

from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

# As scipy.signal.resample_poly: a Kaiser window of this shape over this number of zero crossings to each side.
KAISER = 5.0
CROSSINGS = 10
# Largest denominator of the ratio of rates, which is then within a thousandth of the requested one.
MAX_DENOMINATOR = 1000


class Resample(nn.Module):
    """``(n, C, T)`` at one rate to ``(n, C, ⌈T · rate / from_rate⌉)`` at another; both in Hz.

    Computes the same as ``scipy.signal.resample_poly``: a low-pass filter below the Nyquist frequency of the lower
    rate, with zeros beyond the ends of the signal. Has no trained parameters.
    """

    kernel: Tensor

    def __init__(self, from_rate: float, rate: float) -> None:
        super().__init__()
        ratio = Fraction(rate / from_rate).limit_denominator(MAX_DENOMINATOR)
        self.up, self.down = ratio.numerator, ratio.denominator
        kernel, self.before = design(self.up, self.down)
        self.register_buffer("kernel", torch.from_numpy(kernel).float(), persistent=False)

    def length(self, n: int) -> int:
        """Number of samples after resampling ``n``."""
        return -(-n * self.up // self.down)

    def forward(self, x: Tensor) -> Tensor:
        """Resample windows ``(n, C, T)``."""
        length = self.length(x.shape[2])
        blocks = -(-length // self.up)
        needed = (blocks - 1) * self.down + self.kernel.shape[2]
        padded = nn.functional.pad(x.flatten(0, 1)[:, None], (self.before, max(0, needed - self.before - x.shape[2])))
        # A step of ``down`` input samples gives ``up`` output samples, one per row of the kernel.
        y = nn.functional.conv1d(padded, self.kernel, stride=self.down)
        return y.transpose(1, 2).flatten(1)[:, :length].reshape(*x.shape[:2], length)


def design(up: int, down: int) -> tuple[NDArray[np.float64], int]:
    """Filters of the ``up`` phases, ``(up, 1, taps)``, and the number of earlier samples that they use.

    Sample ``i·up + j`` of the result is ``Σ_m x[i·down + m] h(j·down − m·up)``, h the low-pass filter at the least
    common multiple of the rates.
    """
    from scipy.signal import firwin

    radius = CROSSINGS * max(up, down)
    impulse = np.eye(1, 2 * radius + 1, radius)[0]
    low_pass = impulse if up == down else up * firwin(2 * radius + 1, 1 / max(up, down), window=("kaiser", KAISER))
    before, after = radius // up, ((up - 1) * down + radius) // up
    steps = np.arange(up)[:, None] * down - np.arange(-before, after + 1) * up
    taps = np.where(np.abs(steps) <= radius, low_pass[np.clip(steps + radius, 0, 2 * radius)], 0.0)
    return taps[:, None], before
