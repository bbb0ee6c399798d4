"""Gradient blending: losses of the modalities and of the fusion, weighted by how much each one overfits.

Wang, Tran and Feiszli, What Makes Training Multi-Modal Classification Networks Hard?, CVPR 2020; offline variant.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from mmbench import Batches, Float, Network, SpecError, Tokens, Trainer, TrainerContext
from mmbench_balance.modalities import Heads, losses_alone, make_heads, modalities_to_balance, trained_parameters

FUSED = "fused"
_LEAST = 1e-6  # overfitting below it does not enlarge a weight


class Losses(NamedTuple):
    """Mean losses on the training and the validation part."""

    train: float
    validation: float


class GradientBlending(Trainer):
    """Losses of modalities and fusion, weighted by their overfitting-to-generalisation ratio (Wang et al., CVPR 2020).

    First the fusion, and each modality with a linear head on its pooled tokens, are trained apart, in copies of the
    network, on the share ``probe`` of the passes of the budget, and at least on two. Their losses after the first and
    the last of these give the weights, with which the network is trained from its initial weights on the other passes.
    The heads are discarded.
    """

    name = "gradient-blending"
    space: ClassVar[Mapping[str, Float]] = {"probe": Float(0.05, 0.5)}

    def __init__(self, *, probe: float = 0.2) -> None:
        if not 0 < probe < 1:
            raise SpecError(f"is {probe}", where="probe", remedy="give a share of the passes above 0 and below 1")
        self.probe = probe
        self.heads: Heads | None = None
        self.weights: dict[str, float] = {}
        self._n_left = 0

    def fit(self, model: Network, train: Batches, validation: Batches, context: TrainerContext) -> None:
        """Find the weights in the first passes, and train with them in the others."""
        names = modalities_to_balance(model, self.name)
        n_passes = max(2, round(self.probe * context.n_epochs))
        self._n_left = context.n_epochs - n_passes
        if names and self._n_left < 1:
            raise SpecError(
                f"needs {n_passes} passes to find the weights and one or more to train, of {context.n_epochs}",
                where=f"trainer {self.name}",
                remedy="set --training epochs=3 or more, or a smaller share probe",
            )
        if names:
            self.heads = make_heads(model, names)
            self.weights = find_weights(_Probe(model, self.heads, context), train, validation, n_passes)
        super().fit(model, train, validation, context)

    def parameter_groups(self, model: Network) -> Sequence[Mapping[str, Any]]:
        """All trained parameters, and those of the heads."""
        (group,) = super().parameter_groups(model)
        return [group if self.heads is None else {**group, "params": [*group["params"], *self.heads.parameters()]}]

    def schedule(self, step: int, context: TrainerContext) -> float:
        """The schedule of the host, over the passes that are left."""
        return super().schedule(round(step * context.n_epochs / self._n_left) if self.heads else step, context)

    def losses(
        self, model: Network, tokens: Mapping[str, Tokens], target: Tensor, context: TrainerContext
    ) -> Mapping[str, Tensor]:
        """The weighted losses of the fusion and of each modality alone."""
        fused = super().losses(model, tokens, target, context)
        if self.heads is None:
            return fused
        every = {FUSED: self.combine(fused), **losses_alone(self.heads, tokens, target, context.criterion)}
        return {name: self.weights[name] * loss for name, loss in every.items()}


class _Probe:
    """Two copies of a network: one to train the fusion, one to train each encoder apart, with its head."""

    def __init__(self, model: Network, heads: Heads, context: TrainerContext) -> None:
        self.fused, self.alone, self.heads, self.context = deepcopy(model), deepcopy(model), deepcopy(heads), context
        self.groups = [trained_parameters(self.fused)]
        for name, head in self.heads.items():
            encoder = [self.alone.encoders[name]] if name in self.alone.encoders else []
            self.groups.append([each for module in (*encoder, head) for each in trained_parameters(module)])

    def losses(self, inputs: Any, target: Tensor) -> dict[str, Tensor]:
        """The losses of the fusion and of each modality alone, by `FUSED` and `name_of_loss`."""
        criterion = self.context.criterion
        loss = self.fused.fusion.training_loss(self.fused.tokens(inputs), target, criterion)
        fused = loss if isinstance(loss, Tensor) else torch.stack([*loss.values()]).sum()
        return {FUSED: fused, **losses_alone(self.heads, self.alone.tokens(inputs), target, criterion)}

    def train(self, mode: bool) -> None:
        """Set training or evaluation mode."""
        self.fused.train(mode)
        self.alone.train(mode)


def find_weights(probe: _Probe, train: Batches, validation: Batches, n_passes: int) -> dict[str, float]:
    """The weights of the losses after ``n_passes`` over the training part, during which the copies are trained."""
    context = probe.context
    optimizer = context.adamw([{"params": [each for group in probe.groups for each in group]}])
    found: list[dict[str, Losses]] = []
    for number in range(n_passes):
        probe.train(True)
        trained = _mean_losses(probe, train, partial(_step, probe, optimizer))
        if number in (0, n_passes - 1):
            probe.train(False)
            with torch.no_grad():
                validated = _mean_losses(probe, validation, lambda losses: None)
            found.append({name: Losses(trained[name], validated[name]) for name in trained})
    first, last = found
    return blend({name: (first[name], last[name]) for name in first})


def _step(probe: _Probe, optimizer: torch.optim.Optimizer, losses: Mapping[str, Tensor]) -> None:
    optimizer.zero_grad(set_to_none=True)
    torch.stack([*losses.values()]).sum().backward()  # type: ignore[no-untyped-call]
    for group in probe.groups if probe.context.training.clip else ():
        nn.utils.clip_grad_norm_(group, probe.context.training.clip)
    optimizer.step()


def _mean_losses(
    probe: _Probe, batches: Batches, on_losses: Callable[[Mapping[str, Tensor]], None]
) -> dict[str, float]:
    """The mean of each loss over the samples of a pass; ``on_losses`` is called with those of each batch."""
    sums: dict[str, float] = {}
    n_samples = 0
    for inputs, target in batches:
        with probe.context.mixed_precision():
            losses = probe.losses(inputs, target)
        on_losses(losses)
        for name, loss in losses.items():
            sums[name] = sums.get(name, 0.0) + float(loss.detach()) * len(target)
        n_samples += len(target)
    return {name: total / n_samples for name, total in sums.items()}


def blend(losses: Mapping[str, tuple[Losses, Losses]]) -> dict[str, float]:
    """Weights of losses, which add up to 1, from their values before and after some training (Proposition 1).

    The weight is G / O² over its sum: G is the generalisation, by how much the validation loss fell, and O the
    overfitting, by how much the gap between validation and training loss grew. A loss that did not generalise has the
    weight 0; where none did, all have the same.
    """
    found = {}
    for name, (before, after) in losses.items():
        gain = before.validation - after.validation
        overfitting = (after.validation - after.train) - (before.validation - before.train)
        found[name] = max(gain, 0.0) / max(abs(overfitting), _LEAST) ** 2
    total = sum(found.values())
    return {name: value / total if total else 1 / len(found) for name, value in found.items()}
