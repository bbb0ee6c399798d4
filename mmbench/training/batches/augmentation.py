"""Augmentation of training images: mirrored, rotated, scaled, shifted, other brightness and contrast."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

# Usual for cropped faces: the eyes stay level within a few degrees and the face fills the image.
_TURN = math.radians(15)
_SCALE = 0.1
_SHIFT = 0.08  # of the side
_BRIGHTNESS = 0.2
_CONTRAST = 0.2


def augment(images: Tensor, generator: torch.Generator, lengths: Tensor | None = None) -> Tensor:
    """Augmented copies of images ``(B, K, 3, H, W)`` or videos ``(B, K, F, 3, H, W)``, uint8, of the same shape.

    The images of a bag, or the frames of a video, share one transformation: rotating single frames would look like a
    movement. Videos of unequal ``lengths`` ``(B, K)`` are black beyond them. ``generator`` is on the CPU, so that every
    device draws the same numbers. Pixels from outside repeat the edge.
    """
    height, width = images.shape[-2:]
    draws = torch.rand(len(images), 7, generator=generator).to(images.device)
    pixels = images.reshape(len(images), -1, height, width).to(torch.float32)
    grid = F.affine_grid(_affine_maps(draws, height, width), list(pixels.shape), align_corners=False)
    moved = F.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
    shown = None if lengths is None else torch.arange(images.shape[2], device=images.device) < lengths[..., None]
    filled = None if shown is None else shown.flatten(1).float().mean(dim=1).clamp(min=1e-6)
    lit = _change_light(moved, draws[:, 5], draws[:, 6], filled).round().clamp(0, 255).to(torch.uint8)
    augmented = lit.reshape(images.shape)
    return augmented if shown is None else augmented * shown[..., None, None, None]


def _affine_maps(draws: Tensor, height: int, width: int) -> Tensor:
    """Affine maps ``(B, 2, 3)`` from output to input coordinates, in units of half a side."""
    mirror = torch.where(draws[:, 0] < 0.5, -1.0, 1.0)
    angle = _TURN * _around_zero(draws[:, 1])
    scale = 1 + _SCALE * _around_zero(draws[:, 2])
    shift = 2 * _SHIFT * _around_zero(draws[:, 3:5])
    cosine, sine = angle.cos() / scale, angle.sin() / scale
    # Half sides differ where images are not square: a rotation must not shear them.
    rows = (
        torch.stack([mirror * cosine, -sine * (height / width), shift[:, 0]], dim=1),
        torch.stack([mirror * sine * (width / height), cosine, shift[:, 1]], dim=1),
    )
    return torch.stack(rows, dim=1)


def _change_light(pixels: Tensor, brightness: Tensor, contrast: Tensor, filled: Tensor | None) -> Tensor:
    """Images with other brightness (a factor), then other contrast about their mean.

    ``filled`` ``(B,)`` is the share of frames that are not padding.
    """
    bright = pixels * (1 + _BRIGHTNESS * _around_zero(brightness))[:, None, None, None]
    mean = bright.mean(dim=(1, 2, 3), keepdim=True)
    mean = mean if filled is None else mean / filled[:, None, None, None]
    gain = (1 + _CONTRAST * _around_zero(contrast))[:, None, None, None]
    return (bright - mean) * gain + mean


def _around_zero(uniform: Tensor) -> Tensor:
    """Uniform numbers in [0, 1] mapped to [−1, 1]."""
    return 2 * uniform - 1
