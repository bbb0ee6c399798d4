"""Random changes of log-mel frames in training: warped frequencies, and hidden stretches of bands and frames."""

import torch
from torch import Tensor


def warp_frequencies(levels: Tensor, warped: Tensor) -> Tensor:
    """Levels ``(n, C, mels, F)`` read at other places of the axis of bands, linearly between them.

    ``warped`` ``(n, mels)`` has the place that each band is read at: 0.5 is midway between the first and the second
    band; a place beyond the outermost bands reads these.
    """
    n_bands = levels.shape[2]
    places = warped.clamp(0, n_bands - 1)[..., None]
    weights = (1 - (places - torch.arange(n_bands, device=levels.device)).abs()).clamp_min(0)
    return weights.to(levels.dtype)[:, None] @ levels


def random_factors(n: int, most: float, device: torch.device) -> Tensor:
    """Factors ``(n,)`` from 1 / (1 + ``most``) to 1 + ``most``, with logarithms drawn uniformly."""
    return (1 + most) ** (2 * torch.rand(n, device=device) - 1)


def hide_stretches(maps: Tensor, counts: Tensor, share: float) -> Tensor:
    """Maps ``(n, C, mels, F)`` with a random stretch of bands and one of the ``counts`` frames set to zero."""
    hidden = random_stretch(torch.full_like(counts, maps.shape[2]), maps.shape[2], share)[:, None, :, None]
    hidden = hidden | random_stretch(counts, maps.shape[3], share)[:, None, None]
    return maps.masked_fill(hidden, 0.0)


def random_stretch(sizes: Tensor, longest: int, share: float) -> Tensor:
    """Bool ``(n, longest)``, True on a stretch of up to ``share`` of each size at a random place within it."""
    draws = torch.rand(2, len(sizes), device=sizes.device)
    widths = (draws[0] * share * sizes).round()
    starts = (draws[1] * (sizes - widths)).round()
    steps = torch.arange(longest, device=sizes.device)
    return (steps >= starts[:, None]) & (steps < (starts + widths)[:, None])
