"""Milmer's public model, loaded from a state dict that its class saved; computes the same logits."""

import math
from collections.abc import Mapping
from typing import get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmbench import SpecError, WeightsError
from mmbench_milmer.image_scaling import ImageScaling
from mmbench_milmer.options import BalancingName, PublishedSelector
from mmbench_milmer.published_fusion import Layers, PublishedFusion, Sizes
from mmbench_milmer.swin_checkpoint import SwinTokens, load_swin
from mmbench_milmer.swin_weight_names import check_fit

_WHERE = "load_published"
_BACKBONE = "swin_model."
# Part of every state dict of the public class, whatever options were chosen.
_OPTIONAL = ("cls_token", "query_tokens", "cross_attention.", "mlp_", "instance_weights", "amil_", "topk_")
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
        from torchvision.transforms.v2.functional import InterpolationMode, resize

        resized: Tensor = resize(images, [side, side], InterpolationMode.BICUBIC, antialias=True)
        return resized


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
    swin = load_swin({key: value for key, value in state_dict.items() if _BACKBONE in key}, drop_path=drop_path)
    state = {key.removeprefix("module."): value.float() for key, value in state_dict.items() if _BACKBONE not in key}
    with torch.device("meta"):
        fusion = PublishedFusion(
            _sizes(state, num_instances, num_select), instance_selection_method, fusion_type, _layers(state, num_heads)
        )
        n_times = _require(state, "layernorm.weight").shape[0]
        eeg = nn.LayerNorm(n_times), nn.Linear(n_times, fusion.sizes.dim)
    model = PublicModel(swin, *eeg, fusion)
    _load(model, state)
    return model.eval()


def _load(model: PublicModel, state: Mapping[str, Tensor]) -> None:
    names = {key: key.removeprefix("fusion.") for key in model.state_dict() if not key.startswith("swin.")}
    expected = {names[key]: value for key, value in model.state_dict().items() if key in names}
    relevant = {key: value for key, value in state.items() if key in expected or not key.startswith(_OPTIONAL)}
    check_fit(relevant, expected, _WHERE)
    model.load_state_dict({key: state[name] for key, name in names.items()}, strict=False, assign=True)
    dim = model.fusion.sizes.dim
    # Absent if the model was trained on CUDA; it then keeps its initial value.
    token = state.get("cls_token", torch.zeros(1, 1, dim))
    check_fit({"cls_token": token}, {"cls_token": torch.empty(1, 1, dim)}, _WHERE)
    model.fusion.cls_token = nn.Parameter(token) if "cls_token" in state else token


def _sizes(state: Mapping[str, Tensor], n_instances: int, k: int) -> Sizes:
    n_outputs, dim = _require(state, "classifier.weight").shape
    # Without a scorer no weight depends on the number of tokens.
    length = state["topk_weight_proj.weight"].shape[-1] // dim if "topk_weight_proj.weight" in state else 0
    return Sizes(dim=dim, length=length, n_instances=n_instances, k=k, n_outputs=n_outputs)


def _layers(state: Mapping[str, Tensor], heads: int) -> Layers:
    depth = len({key.split(".")[2] for key in state if key.startswith("transformer_encoder.layers.")})
    ff, dim = _require(state, "transformer_encoder.layers.0.linear1.weight").shape
    if heads < 1 or dim % heads:
        raise SpecError(f"{dim} features are not divisible by num_heads={heads}", where=_WHERE)
    queries = state["query_tokens"].shape[1] if "query_tokens" in state else 1
    return Layers(depth=depth, heads=heads, ff=ff, queries=queries)


def _require(state: Mapping[str, Tensor], key: str) -> Tensor:
    if key not in state:
        raise WeightsError(f"lacks {key}", where=_WHERE, remedy="give a state dict saved by the public model class")
    return state[key]


def _check_choice(what: str, given: str, known: tuple[str, ...]) -> None:
    if given not in known:
        raise SpecError(f"no {what} {given!r}", where=_WHERE, remedy=f"choose from {', '.join(known)}")
