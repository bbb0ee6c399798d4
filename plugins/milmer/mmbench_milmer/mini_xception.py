"""mini-XCEPTION, a small network for emotions of faces, with the arithmetic of Keras."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 64
"""Side in pixels of the grey images that the network reads."""

_EPS = 1e-3
# Keras keeps 0.99 of a running mean; torch names what is replaced.
_MOMENTUM = 0.01


class MiniXception(nn.Module):
    """Grey images ``(n, 1, 64, 64)`` in [-1, 1] to maps ``(n, 128, 4, 4)``. Arriaga et al. 2017 (1710.07557).

    ``emotions`` maps these to logits; it is no part of ``forward``.
    """

    def __init__(self, n_emotions: int = 7) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, 8, 3, bias=False), _norm(8), nn.ReLU(), nn.Conv2d(8, 8, 3, bias=False), _norm(8), nn.ReLU()
        )
        self.blocks = nn.Sequential(*(Residual(n, 2 * n) for n in (8, 16, 32, 64)))
        self.head = nn.Conv2d(128, n_emotions, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """``(n, 1, 64, 64)`` to ``(n, 128, 4, 4)``."""
        features: Tensor = self.blocks(self.stem(x))
        return features

    def emotions(self, features: Tensor) -> Tensor:
        """Maps ``(n, 128, 4, 4)`` to logits ``(n, n_emotions)``."""
        logits: Tensor = self.head(features).mean(dim=(2, 3))
        return logits


class Residual(nn.Module):
    """Two separable convolutions and a maximum, beside one convolution; halves the sides of a map."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.first, self.norm1 = Separable(n_in, n_out), _norm(n_out)
        self.second, self.norm2 = Separable(n_out, n_out), _norm(n_out)
        self.shortcut, self.norm3 = nn.Conv2d(n_in, n_out, 1, stride=2, bias=False), _norm(n_out)

    def forward(self, x: Tensor) -> Tensor:
        """``(n, n_in, H, W)`` to ``(n, n_out, ⌈H/2⌉, ⌈W/2⌉)``."""
        y = self.norm2(self.second(F.relu(self.norm1(self.first(x)))))
        return pool(y) + torch.as_tensor(self.norm3(self.shortcut(x)))


class Separable(nn.Module):
    """A 3 × 3 convolution of each channel, then a 1 × 1 convolution of all."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(n_in, n_in, 3, padding=1, groups=n_in, bias=False)
        self.pointwise = nn.Conv2d(n_in, n_out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(n, n_in, H, W)`` to ``(n, n_out, H, W)``."""
        y: Tensor = self.pointwise(self.depthwise(x))
        return y


def pool(x: Tensor) -> Tensor:
    """Maxima of 3 × 3 at every second position ``(n, C, ⌈H/2⌉, ⌈W/2⌉)``; Keras pads an even side at its end only."""
    (top, bottom), (left, right) = ((side % 2, 1) for side in x.shape[2:])
    return F.max_pool2d(F.pad(x, (left, right, top, bottom), value=-torch.inf), 3, stride=2)


def _norm(n: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(n, eps=_EPS, momentum=_MOMENTUM)
