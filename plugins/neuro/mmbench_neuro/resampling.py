"""Time series at another rate, by a fixed polyphase filter."""

from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

# As scipy.signal.resample_poly: a Kaiser window of this shape over so many zero crossings to each side.
KAISER = 5.0
CROSSINGS = 10
# Rates are ratios of whole numbers up to this, within a thousandth of what was asked for.
LARGEST = 1000


class Resample(nn.Module):
    """``(n, C, T)`` at one rate to ``(n, C, ⌈T · rate / from_rate⌉)`` at another; both in Hz.

    What ``scipy.signal.resample_poly`` computes: a low-pass filter under half of the lower rate, by which beyond the
    ends the signal counts as zero. Nothing is learned.
    """

    kernel: Tensor

    def __init__(self, from_rate: float, rate: float) -> None:
        super().__init__()
        ratio = Fraction(rate / from_rate).limit_denominator(LARGEST)
        self.up, self.down = ratio.numerator, ratio.denominator
        kernel, self.before = design(self.up, self.down)
        self.register_buffer("kernel", torch.from_numpy(kernel).float(), persistent=False)

    def length(self, n: int) -> int:
        """How many samples ``n`` become."""
        return -(-n * self.up // self.down)

    def forward(self, x: Tensor) -> Tensor:
        """The windows at the other rate."""
        wanted = self.length(x.shape[2])
        blocks = -(-wanted // self.up)
        needed = (blocks - 1) * self.down + self.kernel.shape[2]
        padded = nn.functional.pad(x.flatten(0, 1)[:, None], (self.before, max(0, needed - self.before - x.shape[2])))
        # A step of ``down`` samples in makes ``up`` samples out, one by each row of the kernel.
        y = nn.functional.conv1d(padded, self.kernel, stride=self.down)
        return y.transpose(1, 2).flatten(1)[:, :wanted].reshape(*x.shape[:2], wanted)


def design(up: int, down: int) -> tuple[NDArray[np.float64], int]:
    """The filter of each of ``up`` phases, ``(up, 1, taps)``, and how many samples it reaches back.

    Sample ``i·up + j`` of the result is ``Σ_m x[i·down + m] h(j·down − m·up)``, h the low-pass filter at the least
    common multiple of the rates.
    """
    from scipy.signal import firwin

    half = CROSSINGS * max(up, down)
    impulse = np.eye(1, 2 * half + 1, half)[0]
    low_pass = impulse if up == down else up * firwin(2 * half + 1, 1 / max(up, down), window=("kaiser", KAISER))
    before, after = half // up, ((up - 1) * down + half) // up
    steps = np.arange(up)[:, None] * down - np.arange(-before, after + 1) * up
    taps = np.where(np.abs(steps) <= half, low_pass[np.clip(steps + half, 0, 2 * half)], 0.0)
    return taps[:, None], before
