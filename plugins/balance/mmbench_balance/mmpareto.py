"""MMPareto: the gradients of an encoder from the fused loss and from its own are combined to a common direction.

Wei and Hu, MMPareto: Boosting Multimodal Learning with Innocent Unimodal Assistance, ICML 2024.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from mmbench import Float, Network, SpecError, Tokens, Trainer, TrainerContext, TrainingStep
from mmbench_balance.modalities import Heads, flatten, losses_alone, make_heads, modalities_to_balance, name_of_loss


class MMPareto(Trainer):
    """Each modality is also classified alone; conflicting gradients are Pareto-combined (Wei and Hu, ICML 2024).

    Each modality has a linear head on its pooled tokens, which is discarded after the training. The fusion and the
    heads follow the gradients of their losses; an encoder follows the combination of the two, times ``gamma``.
    """

    name = "mmpareto"
    space: ClassVar[Mapping[str, Float]] = {"gamma": Float(1.0, 3.0)}

    def __init__(self, *, gamma: float = 1.5) -> None:
        if gamma <= 0:
            raise SpecError(f"is {gamma}", where="gamma", remedy="give a number above 0")
        self.gamma = gamma
        self.heads: Heads | None = None

    def parameter_groups(self, model: Network) -> Sequence[Mapping[str, Any]]:
        """All trained parameters, and those of the heads."""
        (group,) = super().parameter_groups(model)
        if names := modalities_to_balance(model, self.name):
            self.heads = make_heads(model, names)
            return [{**group, "params": [*group["params"], *self.heads.parameters()]}]
        return [group]

    def losses(
        self, model: Network, tokens: Mapping[str, Tokens], target: Tensor, context: TrainerContext
    ) -> Mapping[str, Tensor]:
        """The losses of the fusion, and that of each modality alone."""
        fused = super().losses(model, tokens, target, context)
        return fused if self.heads is None else {**fused, **losses_alone(self.heads, tokens, target, context.criterion)}

    def backward(self, model: Network, step: TrainingStep, loss: Tensor, context: TrainerContext) -> None:
        """Compute the gradients of the sum of losses, and replace those of encoders by `common_gradient`."""
        if self.heads is None:
            super().backward(model, step, loss, context)
            return
        alone = {name_of_loss(name): name for name in self.heads}
        fused = torch.stack([each for name, each in step.losses.items() if name not in alone]).sum()
        combined = {}
        for name, parameters in step.by_modality.items():
            if name in self.heads and parameters:
                own = step.losses[name_of_loss(name)]
                pair = [_gradients(each, parameters) for each in (fused, own)]
                combined[name] = common_gradient(flatten(pair[0]), flatten(pair[1]), self.gamma)
        super().backward(model, step, loss, context)
        for name, gradient in combined.items():
            for parameter, part in _split(gradient, step.by_modality[name]):
                parameter.grad = part


def _gradients(loss: Tensor, parameters: Sequence[nn.Parameter]) -> list[Tensor]:
    """Gradients of a loss, zero for parameters that it does not depend on."""
    if not loss.requires_grad:
        return [torch.zeros_like(parameter) for parameter in parameters]
    found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    return [torch.zeros_like(p) if each is None else each for p, each in zip(parameters, found, strict=True)]


def _split(gradient: Tensor, parameters: Sequence[nn.Parameter]) -> Iterator[tuple[nn.Parameter, Tensor]]:
    parts = torch.split(gradient, [parameter.numel() for parameter in parameters])
    for parameter, part in zip(parameters, parts, strict=True):
        yield parameter, part.view_as(parameter).to(parameter.dtype).clone()


def common_gradient(fused: Tensor, alone: Tensor, gamma: float) -> Tensor:
    """The gradient of an encoder from that of the fused loss and that of its modality alone, vectors (Algorithm 1).

    Their sum where their cosine is not negative. Else twice their `pareto_weight`-ed mean, which is a direction of
    descent of both, enlarged to the length of their sum. Times ``gamma`` in both cases.
    """
    total = fused + alone
    if float(fused @ alone) >= 0:
        return gamma * total
    weight = pareto_weight(fused, alone)
    common = 2 * (weight * fused + (1 - weight) * alone)
    length = common.norm()
    return gamma * common * (total.norm() / length).clamp_min(1) if length > 0 else gamma * common


def pareto_weight(one: Tensor, other: Tensor) -> float:
    """The weight a in [0, 1] that minimises the norm of a * one + (1 - a) * other (Désidéri 2012; closed form)."""
    difference = one - other
    squared = float(difference @ difference)
    return min(max(float((other - one) @ other) / squared, 0.0), 1.0) if squared else 0.5
