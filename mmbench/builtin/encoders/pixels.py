"""Grey values of the pixels: the baseline of every image encoder."""

import torch
from torch import Tensor
from torch.nn import functional as F

from mmbench import Encoder, Modality, TokenSpec
from mmbench.builtin.arguments import at_least

# Rec. 601, as Pillow and OpenCV weigh red, green and blue.
_GREY = (0.299, 0.587, 0.114)


class Pixels(Encoder):
    """Grey values of the image averaged down to ``side`` × ``side``, as one token ``(1, side²)`` of 0-1.

    It is frozen, so that the host standardises each pixel by the training part.
    """

    name = "pixels"
    kinds = ("image",)
    frozen = True

    def __init__(self, modality: Modality, *, side: int = 32) -> None:
        super().__init__(modality)
        at_least(1, side=side)
        self.side = side
        self.out = TokenSpec(1, side * side)

    def forward(self, x: Tensor) -> Tensor:
        """Images uint8 ``(n, 3, H, W)`` to tokens ``(n, 1, side²)``."""
        weights = torch.tensor(_GREY, device=x.device)[:, None, None]
        grey = (x.to(weights.dtype) / 255 * weights).sum(dim=1, keepdim=True)
        return F.adaptive_avg_pool2d(grey, self.side).flatten(2)
