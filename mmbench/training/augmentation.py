"""Random changes of training images that leave their class alone: mirrored, turned, scaled, shifted, lit otherwise."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

# Usual for faces that were cut out: the eyes stay level within a few degrees and the face fills the image.
_TURN = math.radians(15)
_SCALE = 0.1
_SHIFT = 0.08  # of the side
_BRIGHTNESS = 0.2
_CONTRAST = 0.2


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Changed copies of uint8 images ``(B, K, 3, H, W)``, of the same type and shape.

    The K images of a bag share one draw, since they show one thing in one light and differ by what it does: a turn of
    single frames would look like a movement. ``generator`` is one of the CPU, so that every device draws the same.
    What is moved in from outside repeats the edge.
    """
    bags, instances, channels, height, width = images.shape
    draws = torch.rand(bags, 7, generator=generator).to(images.device)
    pixels = images.reshape(bags, instances * channels, height, width).to(torch.float32)
    grid = F.affine_grid(_placement(draws, height, width), list(pixels.shape), align_corners=False)
    moved = F.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
    lit = _light(moved, draws[:, 5], draws[:, 6])
    return lit.round().clamp(0, 255).to(torch.uint8).reshape(images.shape)


def _placement(draws: Tensor, height: int, width: int) -> Tensor:
    """Affine maps ``(B, 2, 3)`` from where a pixel comes to lie to where it comes from, in units of half a side."""
    mirror = torch.where(draws[:, 0] < 0.5, -1.0, 1.0)
    angle = _TURN * _around_zero(draws[:, 1])
    scale = 1 + _SCALE * _around_zero(draws[:, 2])
    shift = 2 * _SHIFT * _around_zero(draws[:, 3:5])
    cosine, sine = angle.cos() / scale, angle.sin() / scale
    # Half sides differ where images are not square: a turn must not shear them.
    rows = (
        torch.stack([mirror * cosine, -sine * (height / width), shift[:, 0]], dim=1),
        torch.stack([mirror * sine * (width / height), cosine, shift[:, 1]], dim=1),
    )
    return torch.stack(rows, dim=1)


def _light(pixels: Tensor, brightness: Tensor, contrast: Tensor) -> Tensor:
    """Scaled as by more or less light, then spread about or drawn to the mean."""
    bright = pixels * (1 + _BRIGHTNESS * _around_zero(brightness))[:, None, None, None]
    mean = bright.mean(dim=(1, 2, 3), keepdim=True)
    gain = (1 + _CONTRAST * _around_zero(contrast))[:, None, None, None]
    return (bright - mean) * gain + mean


def _around_zero(uniform: Tensor) -> Tensor:
    """Draws from 0-1 as draws from −1 to 1."""
    return 2 * uniform - 1
