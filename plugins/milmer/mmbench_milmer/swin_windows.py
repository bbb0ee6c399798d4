"""Shifted-window attention at any image size, as Hugging Face or as timm computes it."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class StochasticDepth(nn.Module):
    """Residual branches ``(n, ...)`` of random instances set to zero in training, the others scaled up.

    It draws random numbers as Hugging Face does, so that a training with the same seed has the same losses.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """``(n, ...)`` of the same shape."""
        if not self.training or self.rate == 0:
            return x
        kept = 1 - self.rate
        drawn = torch.rand((len(x), *(1 for _ in x.shape[1:])), dtype=x.dtype, device=x.device)
        return x / kept * (drawn + kept).floor()


class WindowBlock(nn.Module):
    """A block of timm's Swin, with the same names of weights, that computes shift, mask and padding for each size.

    timm fixes them for one image size. The layers of Hugging Face (``hugging_face``) differ from those of timm: if the
    map is not a multiple of the window, they pad before the shift, not after it; if one side is not larger than the
    window, they shift along neither side, not along the other; in training they skip the attention alone
    (`StochasticDepth`), not the perceptron, too.
    """

    def __init__(self, block: Any, *, shifted: bool, hugging_face: bool) -> None:
        super().__init__()
        self.norm1, self.attn, self.drop_path1 = block.norm1, block.attn, block.drop_path1
        self.norm2, self.mlp, self.drop_path2 = block.norm2, block.mlp, block.drop_path2
        if hugging_face:
            self.drop_path1, self.drop_path2 = (
                StochasticDepth(getattr(block.drop_path1, "drop_prob", 0.0)),
                nn.Identity(),
            )
        self.window: int = block.attn.window_size[0]
        self.shift = self.window // 2 if shifted else 0
        self.hugging_face = hugging_face

    def forward(self, x: Tensor) -> Tensor:
        """Maps ``(n, H, W, D)`` to maps of the same shape."""
        x = x + self.drop_path1(self.attend(self.norm1(x)))
        return x + torch.as_tensor(self.drop_path2(self.mlp(self.norm2(x))))

    def attend(self, x: Tensor) -> Tensor:
        """Self-attention within windows ``(n, H, W, D)``."""
        height, width = x.shape[1:3]
        shift = self.shifts(height, width)
        back = (-shift[0], -shift[1])
        padding = (0, 0, 0, -width % self.window, 0, -height % self.window)
        x = F.pad(x, padding).roll(back, (1, 2)) if self.hugging_face else F.pad(x.roll(back, (1, 2)), padding)
        x = self.within_windows(x, shift)
        if self.hugging_face:
            return x.roll(shift, (1, 2))[:, :height, :width]
        return x[:, :height, :width].roll(shift, (1, 2))

    def shifts(self, height: int, width: int) -> tuple[int, int]:
        """Shift of the map along each side."""
        if self.hugging_face:
            return (0, 0) if min(height, width) <= self.window else (self.shift, self.shift)
        return tuple(0 if side <= self.window else self.shift for side in (height, width))  # type: ignore[return-value]

    def within_windows(self, x: Tensor, shift: tuple[int, int]) -> Tensor:
        """Attention in each window of a map whose sides are multiples of it."""
        from timm.models.swin_transformer import window_partition, window_reverse

        size = (self.window, self.window)
        height, width = x.shape[1:3]
        mask = shift_mask(height, width, self.window, shift, x) if any(shift) else None
        windows: Tensor = self.attn(window_partition(x, size).flatten(1, 2), mask=mask)
        merged: Tensor = window_reverse(windows.view(len(windows), *size, -1), size, height, width)
        return merged


def shift_mask(height: int, width: int, window: int, shift: tuple[int, int], like: Tensor) -> Tensor:
    """Attention bias, -100 between positions not adjacent before the shift, else 0: ``(windows, w², w²)``."""
    from timm.models.swin_transformer import window_partition

    rows, columns = (
        (position >= side - window).long() + (position >= side - moved).long()
        for side, moved in zip((height, width), shift, strict=True)
        for position in (torch.arange(side, device=like.device),)
    )
    regions = (3 * rows[:, None] + columns)[None, :, :, None]
    flat = window_partition(regions, (window, window)).flatten(1)
    mask: Tensor = (flat[:, None] != flat[:, :, None]).to(like.dtype) * -100.0
    return mask
