"""Milmer's face encoder: a Swin transformer through timm, without its classifier."""

import difflib
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from mmbench import Encoder, Modality, SpecError, TokenSpec, WeightsError, fetch_pretrained
from mmbench_milmer.image_scaling import ImageScaling, resize_images
from mmbench_milmer.swin_checkpoint import load_swin

TINY = "swin_tiny_patch4_window7_224"
NANO = "nano"
_LARGEST = 1024  # side in pixels
_NANO_LAYERS: Mapping[str, Any] = {
    "patch_size": 4,
    "embed_dim": 32,
    "depths": (1, 2, 1),
    "num_heads": (1, 2, 4),
    "window_size": 4,
}


class Swin(Encoder):
    """Swin Transformer (Liu et al. 2021, 2103.14030): uint8 ``(n, 3, H, W)`` to tokens ``(n, H/s · W/s, D)``.

    ``model`` is any ``swin_*`` of timm (default Swin-tiny: s = 32; at 224 px 49 tokens of 768) or ``nano``, a small one
    for faces of 64 px (s = 16; 16 tokens of 128). Weights come from timm's hub (``pretrained=true``, the default), are
    random with ``pretrained=false``, or come from a file (``weights=FILE``) in the names of timm or of Hugging Face,
    from which the architecture is inferred; ``part`` selects one of several models in the file.
    ``drop_path`` is the rate of stochastic depth in training: with names of Hugging Face it skips the attention alone,
    as that library does, with those of timm all of a layer. Images are resized to ``size`` × ``size`` pixels if given;
    ``auto`` is the size of the pretraining: that of timm's model, or with ``weights=FILE`` the one at which a window is
    the last feature map.
    """

    name = "swin"
    version = "2"
    kinds = ("image",)
    conformance: ClassVar[Mapping[str, object]] = {"model": NANO, "pretrained": False}

    def __init__(
        self,
        modality: Modality,
        *,
        model: str | None = None,
        pretrained: bool | None = None,
        weights: str | None = None,
        part: str | None = None,
        frozen: bool = False,
        drop_path: float = 0.1,
        size: int | Literal["auto"] | None = None,
    ) -> None:
        super().__init__(modality)
        _check_options(model, pretrained, weights, drop_path)
        rate = 0.0 if frozen else drop_path
        if weights is not None:
            swin = load_swin(weights, drop_path=rate, part=part)
            stride = swin.architecture.stride
            self.size = stride * max(swin.architecture.windows) if size == "auto" else size
            sides = _check_image(modality, stride, self.size)
            swin.grid(*sides)
            self.net = swin.net
        else:
            model = model or TINY
            stride = 16 if model == NANO else 32
            self.size = _pretrained_size(model) if size == "auto" else size
            sides = _check_image(modality, stride, self.size)
            file = fetch_pretrained(model, where=f"swin[model={model}]") if pretrained is not False else None
            self.net = _make_net(model, sides, file, rate)
        self.scaling = ImageScaling()
        self.out = TokenSpec(length=(sides[0] // stride) * (sides[1] // stride), dim=int(self.net.num_features))
        self.frozen = frozen
        if frozen:
            self.requires_grad_(False).eval()

    def weights_to_save(self) -> Mapping[str, Tensor]:
        """The state dict in timm's names, which ``weights=FILE`` reads."""
        state: Mapping[str, Tensor] = self.net.state_dict()
        return state

    def train(self, mode: bool = True) -> "Swin":
        """Training mode, except that a frozen encoder stays in evaluation mode."""
        return super().train(mode and not self.frozen)

    def forward(self, x: Tensor) -> Tensor:
        """uint8 ``(n, 3, H, W)`` to ``(n, T, D)``, row by row from the top left."""
        scaled = self.scaling(x if self.size is None else resize_images(x, self.size))
        if scaled.is_cuda:
            scaled = scaled.contiguous(memory_format=torch.channels_last)
        features: Tensor = self.net.forward_features(scaled)
        return features.flatten(1, 2)


def _make_net(model: str, size: tuple[int, ...], file: str | None, drop_path: float) -> Any:
    import timm
    from timm.models.swin_transformer import SwinTransformer

    settings: dict[str, Any] = {"img_size": size, "num_classes": 0, "drop_path_rate": drop_path}
    if model == NANO:
        return SwinTransformer(**_NANO_LAYERS, **settings)
    if file is None:
        return timm.create_model(model, pretrained=False, **settings)
    return timm.create_model(model, pretrained=True, pretrained_cfg_overlay={"file": file}, **settings)


def _check_options(model: str | None, pretrained: bool | None, weights: str | None, drop_path: float) -> None:
    if not 0 <= drop_path < 1:
        raise SpecError(f"drop_path={drop_path} is not a rate", where="swin", remedy="give it from 0 to below 1")
    if weights is not None:
        for name, value in (("pretrained=true", pretrained), ("model", model)):
            if value:
                raise SpecError(
                    f"{name} and weights=FILE exclude each other: the file determines the architecture",
                    where="swin",
                    remedy="use one of them",
                )
    elif model is not None:
        _check_model(model, pretrained)


def _check_model(model: str, pretrained: bool | None) -> None:
    import timm

    known = [NANO, *timm.list_models("swin_*")]
    if model.partition(".")[0] not in known:
        near = difflib.get_close_matches(model, known, n=1) or [known[0], known[-1]]
        raise SpecError(
            "timm has no Swin of that name", where=f"swin[model={model}]", remedy=f"did you mean {' or '.join(near)}?"
        )
    if model == NANO and pretrained is not False:
        raise WeightsError(
            "nano has no pretrained weights",
            where="swin[model=nano]",
            remedy="choose pretrained=false for random weights, or weights=FILE",
        )


def _check_image(modality: Modality, stride: int, size: int | None) -> tuple[int, int]:
    """Height and width of the images that the network reads; SpecError if they do not divide into tokens."""
    channels, *own = modality.fixed_shape
    height, width = own if size is None else (size, size)
    fits = channels == 3 and not height % stride and not width % stride
    if not fits or min(height, width) < 2 * stride or max(height, width) > _LARGEST:
        given = f"{modality.name!r} has shape {modality.shape}" if size is None else f"size is {size}"
        best = _nearest(height, stride), _nearest(width, stride)
        raise SpecError(
            f"{given}; swin needs RGB images with sides that are multiples of {stride} px, from {2 * stride} px up",
            where="swin",
            remedy=f"change the image size of the dataset, for example to {best[0]} × {best[1]}, or set size={best[0]}",
        )
    return height, width


def _pretrained_size(model: str) -> int:
    """Side in pixels of the images that a model of timm was pretrained on; 64 for nano."""
    import timm

    if model == NANO:
        return 64
    config = timm.get_pretrained_cfg(model)
    return int(config.input_size[-1]) if config else 224


def _nearest(pixels: int, stride: int) -> int:
    return max(2, round(min(pixels, _LARGEST) / stride)) * stride
