"""Image models of timm as encoders; timm is imported only when one is built."""

import difflib
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from mmbench import (
    Encoder,
    Modality,
    SpecError,
    TokenSpec,
    WeightsError,
    choose_prefix,
    fetch_pretrained,
    load_state_dict,
)

CHOICES = "choose one: pretrained=true (timm's hub, needs the network), weights=FILE, or pretrained=false (random)"


class TimmImages(Encoder):
    """The last feature map of a timm model, one token per position: ``(T, D)``.

    ``model`` is timm's name. Weights are timm's (``pretrained=true``), those of a file (``weights=FILE``; a
    classifier in it is left out) or random. ``frozen`` keeps the weights unchanged and caches the tokens. Images
    are scaled to [0, 1], then by the mean and the deviation that the model was trained with.
    """

    name = "timm"
    kinds = ("image",)
    conformance: ClassVar[Mapping[str, object]] = {"model": "test_resnet"}

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        modality: Modality,
        *,
        model: str = "resnet18",
        pretrained: bool = False,
        weights: str | None = None,
        part: str | None = None,
        frozen: bool = False,
    ) -> None:
        super().__init__(modality)
        if pretrained and weights is not None:
            raise SpecError("both pretrained=true and weights=FILE are given", where="timm", remedy=CHOICES)
        self.network = create_network(model, pretrained, modality)
        if weights is not None:
            load_weights(self.network, weights, part)
        config = self.network.pretrained_cfg
        self.register_buffer("mean", torch.tensor(config["mean"]).reshape(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config["std"]).reshape(3, 1, 1), persistent=False)
        self.frozen = frozen
        try:
            self.out = self._dry_run()
        except RuntimeError as error:
            raise unfit(model, modality, error) from error
        self.train()

    def forward(self, x: Tensor) -> Tensor:
        """Images uint8 ``(n, 3, H, W)`` to tokens ``(n, T, D)``."""
        scaled = (x.to(self.mean.dtype) / 255 - self.mean) / self.std
        return tokens_of(self.network.forward_features(scaled), self.network.num_features)

    def weights_to_save(self) -> Mapping[str, Tensor]:
        """The state of the network, with timm's names."""
        state: Mapping[str, Tensor] = self.network.state_dict()
        return state

    def train(self, mode: bool = True) -> Self:
        """As `nn.Module.train`, but a frozen network stays in evaluation mode: no dropout, no running statistics."""
        return super().train(mode and not self.frozen)

    def _dry_run(self) -> TokenSpec:
        """The shape of the tokens; parameters that do not affect them, such as those of a head, are not trained."""
        self.eval()
        with torch.enable_grad():
            tokens = self(torch.zeros(1, *self.modality.fixed_shape, dtype=torch.uint8))
            parameters = list(self.network.parameters())
            used = torch.autograd.grad(tokens.sum(), parameters, allow_unused=True)
        for parameter, gradient in zip(parameters, used, strict=True):
            parameter.requires_grad_(gradient is not None and not self.frozen)
        return TokenSpec(tokens.shape[1], tokens.shape[2])


def create_network(model: str, pretrained: bool, modality: Modality) -> Any:
    """Build timm's ``model`` without a classifier, for images of the modality's size."""
    try:
        import timm
    except ImportError as error:
        raise SpecError("timm is not installed", where="timm", remedy='pip install "mmbench[timm]"') from error
    if not timm.is_model(model):
        near = difflib.get_close_matches(model, timm.list_models(), n=3)
        remedy = f"did you mean {', '.join(near)}?" if near else "timm.list_models() lists them all"
        raise SpecError("timm has no such model", where=f"timm[model={model}]", remedy=remedy)
    fixed = timm.models.get_pretrained_cfg(model).fixed_input_size
    options: dict[str, Any] = {"img_size": modality.fixed_shape[1:]} if fixed else {}
    if pretrained:
        options["pretrained_cfg_overlay"] = {"file": fetch_pretrained(model, where=f"timm[model={model}]")}
    try:
        return timm.create_model(model, pretrained=pretrained, num_classes=0, **options)
    except Exception as error:
        raise unfit(model, modality, error) from error


def unfit(model: str, modality: Modality, error: Exception) -> SpecError:
    """The error for a model of timm that does not accept images of this size."""
    size = "×".join(str(side) for side in modality.fixed_shape[1:])
    return SpecError(
        f"does not accept images of {size} ({reason(error)})",
        where=f"timm[model={model}]",
        remedy="choose another model",
    )


def reason(error: Exception) -> str:
    """The kind and the first line of an error."""
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:160]}"


def load_weights(network: Any, path: str, part: str | None = None) -> None:
    """Load all weights but the classifier, with any prefix of their names; WeightsError if they do not fit.

    ``part`` names the model where the file holds several.
    """
    classifier = network.pretrained_cfg["classifier"]
    heads = tuple(f"{head}." for head in ([classifier] if isinstance(classifier, str) else classifier or []))
    found = load_state_dict(path, part)
    prefix = choose_prefix(found, [[name for name, _ in network.named_parameters()]], path, part) or ""
    own = {name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)}
    state = {name: value for name, value in own.items() if not name.startswith(heads)}
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        first = [line.strip() for line in str(error).splitlines()[1:2]]
        raise WeightsError(
            f"does not fit the model: {''.join(first)[:200]}", where=path, remedy="name the model it was saved from"
        ) from error


def tokens_of(features: object, width: int) -> Tensor:
    """A feature map ``(n, D, H, W)``, ``(n, H, W, D)``, ``(n, T, D)`` or ``(n, D)`` as tokens; D is ``width``."""
    if isinstance(features, Tensor):
        if features.ndim == 4 and features.shape[1] == width:
            return features.flatten(2).transpose(1, 2)
        if features.ndim == 4 and features.shape[3] == width:
            return features.flatten(1, 2)
        if features.ndim == 3:
            return features
        if features.ndim == 2:
            return features.unsqueeze(1)
    raise SpecError("this model's features are not a map or a sequence", where="timm", remedy="try another model")
