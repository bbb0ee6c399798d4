"""Milmer's public model, loaded from a state dict that its class saved; computes the same logits."""

import math
from collections.abc import Mapping
from typing import get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmbench import SpecError
from mmbench_milmer.image_scaling import ImageScaling, resize_images
from mmbench_milmer.options import BalancingName, PublishedSelector
from mmbench_milmer.published_checkpoint import BACKBONE, load_fusion, read_shape, require
from mmbench_milmer.published_fusion import Layers, PublishedFusion, Sizes
from mmbench_milmer.swin_checkpoint import SwinTokens, load_swin
from mmbench_milmer.weight_shapes import check_fit

_WHERE = "load_published"
_TRAINING = ("device", "epochs", "lr", "lrf", "max_lr", "batch_size", "seed", "pretrained_model")


class PublicModel(nn.Module):
    """The whole public model: ``module(eeg, frames)`` to logits ``(B, n_outputs)``.

    ``eeg`` is ``(B, channels, time)`` float32, ``frames`` uint8 ``(B, K, 3, H, W)``, RGB. Frames that would
    not give T tokens are resized (bicubic), as by the public image processor.
    """

    def __init__(self, swin: SwinTokens, layernorm: nn.Module, eeg_proj: nn.Module, fusion: PublishedFusion) -> None:
        super().__init__()
        self.swin = swin
        self.layernorm = layernorm
        self.eeg_proj = eeg_proj
        self.fusion = fusion
        self.scaling = ImageScaling()

    def forward(self, eeg: Tensor, frames: Tensor) -> Tensor:
        """Logits ``(B, n_outputs)``."""
        # One frame of every sample at a time, as in the public code, for the order of random numbers in training.
        frames = frames[:, : self.fusion.sizes.n_instances]
        tokens = torch.stack([self.swin(self.scaling(self.resize(images))) for images in frames.unbind(1)], dim=1)
        logits: Tensor = self.fusion(tokens, F.relu(self.eeg_proj(self.layernorm(eeg))))
        return logits

    def resize(self, images: Tensor) -> Tensor:
        """Images ``(n, 3, H, W)`` at the size that the scorer expects, if there is a scorer."""
        length = self.fusion.sizes.length
        side = math.isqrt(length) * self.swin.architecture.stride
        if length == 0 or (min(images.shape[-2:]) >= side and math.prod(self.swin.grid(*images.shape[-2:])) == length):
            return images
        return resize_images(images, side)


def load_published(
    state_dict: Mapping[str, Tensor],
    *,
    num_instances: int = 10,
    num_select: int = 3,
    instance_selection_method: PublishedSelector = "attention_weighted_topk",
    fusion_type: BalancingName = "cross_attention",
    num_heads: int = 12,
    drop_path: float = 0.1,
    **training: object,
) -> PublicModel:
    """The public model with the weights of a state dict saved by its class, in evaluation mode.

    In training mode its losses and gradients are those of the public class, with the same random numbers.
    ``drop_path`` is the rate of stochastic depth of the Swin then, in the public class that of its configuration.
    The keywords are those of the public JSON configuration; its training settings (``epochs``, ``lr`` ...) are
    ignored. Widths, depths, image size and token count are read from the weights; only the number of attention heads
    is not in them. The module shares memory with float32 tensors of ``state_dict``: the scorer alone has 5.7 GB.
    Raises SpecError for an unknown option, WeightsError naming the keys and shapes that do not fit. Wang et al. 2026
    (arXiv 2502.00547).
    """
    _check_choice("instance_selection_method", instance_selection_method, get_args(PublishedSelector))
    _check_choice("fusion_type", fusion_type, get_args(BalancingName))
    for key in training:
        _check_choice("config", key, _TRAINING)
    if not 1 <= num_select <= num_instances:
        raise SpecError(
            f"num_select={num_select} is not between 1 and num_instances={num_instances}",
            where=_WHERE,
            remedy="use the values of the model's configuration",
        )
    swin = load_swin({key: value for key, value in state_dict.items() if BACKBONE in key}, drop_path=drop_path)
    state = {key.removeprefix("module."): value for key, value in state_dict.items() if BACKBONE not in key}
    shape = read_shape(state, _WHERE)
    if num_heads < 1 or shape.dim % num_heads:
        raise SpecError(f"{shape.dim} features are not divisible by num_heads={num_heads}", where=_WHERE)
    sizes = Sizes(shape.dim, shape.length, num_instances, num_select, shape.n_outputs)
    layers = Layers(depth=shape.depth, heads=num_heads, ff=shape.ff, queries=shape.queries or 1)
    n_times = require(state, "layernorm.weight", _WHERE, 1).shape[0]
    with torch.device("meta"):
        fusion = PublishedFusion(sizes, instance_selection_method, fusion_type, layers)
        eeg = {"layernorm": nn.LayerNorm(n_times), "eeg_proj": nn.Linear(n_times, sizes.dim)}
    load_fusion(fusion, state, _WHERE)
    for name, module in eeg.items():
        own = {
            key.removeprefix(f"{name}."): value.float() for key, value in state.items() if key.startswith(f"{name}.")
        }
        check_fit(own, module.state_dict(), _WHERE)
        module.load_state_dict(own, assign=True)
    return PublicModel(swin, eeg["layernorm"], eeg["eeg_proj"], fusion).eval()


def _check_choice(what: str, given: str, known: tuple[str, ...]) -> None:
    if given not in known:
        raise SpecError(f"no {what} {given!r}", where=_WHERE, remedy=f"choose from {', '.join(known)}")
