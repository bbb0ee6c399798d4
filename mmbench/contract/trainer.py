"""Contract of trainers: how a network is fitted on one fold."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from mmbench.contract.component import Component
from mmbench.contract.fusion import Criterion, Fusion, Tokens
from mmbench.contract.types import TaskKind, Training


class Network(Protocol):
    """The model to fit: ``encoders`` of the modalities that are trained, by name, and the ``fusion``.

    It is a ``torch.nn.Module``: ``copy.deepcopy`` of it is another network, for a stage whose weights are discarded.
    """

    encoders: nn.ModuleDict
    fusion: Fusion

    def tokens(self, batch: Mapping[str, Any], /) -> dict[str, Tokens]:
        """Tokens of every modality among the inputs of a batch."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """All parameters."""

    def train(self, mode: bool = True) -> Any:
        """Set training mode, or evaluation mode."""


class LabelledBatch(NamedTuple):
    """Inputs for `Network.tokens`, by modality, and the target of the criterion ``(B,)`` or ``(B, n_outputs)``."""

    inputs: Mapping[str, Any]
    target: Tensor


class Batches(Protocol):
    """The batches of one part of a fold; each iteration is one pass.

    A pass over the training part sets the model to training mode and is in a new random order, with the augmentation
    and the modality dropout of the run.
    """

    def __iter__(self) -> Iterator[LabelledBatch]:
        """One pass."""

    def __len__(self) -> int:
        """Number of batches of a pass, as the batch size divides the samples."""


class TrainingStep(NamedTuple):
    """One step of training: the losses by name, and what they were computed from.

    ``by_modality`` holds the trained parameters of the encoder of each modality, with gradients after the backward
    pass; a modality whose encoder is frozen has none.
    """

    tokens: Mapping[str, Tokens]
    target: Tensor
    losses: Mapping[str, Tensor]
    by_modality: Mapping[str, tuple[nn.Parameter, ...]]


class TrainerContext(Protocol):
    """What the host provides to a trainer.

    ``criterion`` is the loss of the run, with its class weights. ``n_epochs`` is the budget of passes over the training
    part, the same for all methods; ``n_steps`` the number of batches in it. The host has seeded torch by ``seed``.
    """

    training: Training
    criterion: Criterion
    device: torch.device
    seed: int
    n_epochs: int
    n_steps: int

    def mixed_precision(self) -> AbstractContextManager[object]:
        """The precision of the run, for the computation of losses."""

    def adamw(self, groups: Sequence[Mapping[str, Any]]) -> torch.optim.Optimizer:
        """AdamW with learning rate and weight decay of the run, over groups of parameters."""

    def unimodal_outputs(self, tokens: Mapping[str, Tokens]) -> dict[str, Tensor]:
        """Outputs ``(B, n_outputs)`` for each modality with all others masked as absent, as the criterion takes them.

        The fusion computes them in evaluation mode; they are differentiable unless the caller disables gradients.
        """

    def end_epoch(self, loss: float) -> bool:
        """Report the mean training loss of a pass; True if the training goes on.

        The host validates the model, predicts the test part, and keeps the weights of the best epoch.
        """


class Trainer(Component):
    """Fits a network on the training part of one fold.

    A trainer gets labels of the training and the validation part only. It is built anew for each fold, and what it
    needs from one step to the next are attributes of it. The host owns the criterion, the choice of the epoch by
    validation score, patience and the budget of passes: after each pass over ``train`` a trainer calls
    ``context.end_epoch`` and stops when that returns False; passes of an earlier stage need no such call and count
    towards the budget. What is learnt are weights and buffers of the network: it must give the same outputs when it is
    built anew and they are restored. A network without trained parameters is fitted by the host.

    Override `fit` for a loop of your own, or one of the other methods to change this one: AdamW with a cosine schedule
    and clipped gradients. ``tasks`` names the kinds of tasks that the trainer takes.
    """

    tasks: tuple[TaskKind, ...] = ("class", "labels", "values")

    def fit(self, model: Network, train: Batches, validation: Batches, context: TrainerContext) -> None:
        """Fit ``model`` in place."""
        groups = [dict(group) for group in self.parameter_groups(model)]
        parameters = [parameter for group in groups for parameter in group["params"]]
        optimizer = self.optimizer(groups, context) if parameters else None
        schedule = optimizer and torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: self.schedule(step, context))
        goes_on, epoch = True, 0
        while goes_on:
            total, seen = 0.0, 0
            self.before_epoch(model, epoch, context)
            for inputs, target in train:
                with context.mixed_precision():
                    step = self._step(model, inputs, target, context)
                    loss = self.combine(step.losses)
                if optimizer is not None and schedule is not None:
                    optimizer.zero_grad(set_to_none=True)
                    self.backward(model, step, loss, context)
                    self.after_backward(model, step, context)
                    if context.training.clip:
                        nn.utils.clip_grad_norm_(parameters, context.training.clip)
                    optimizer.step()
                    schedule.step()
                total += float(loss.detach()) * len(target)
                seen += len(target)
            goes_on, epoch = context.end_epoch(total / seen), epoch + 1

    def _step(self, model: Network, inputs: Mapping[str, Any], target: Tensor, context: TrainerContext) -> TrainingStep:
        tokens = model.tokens(inputs)
        by_modality = {name: _trained(encoder) for name, encoder in model.encoders.items()}
        return TrainingStep(tokens, target, self.losses(model, tokens, target, context), by_modality)

    def parameter_groups(self, model: Network) -> Sequence[Mapping[str, Any]]:
        """Groups of parameters as torch's optimizers take them; all trained parameters in one."""
        return [{"params": [parameter for parameter in model.parameters() if parameter.requires_grad]}]

    def optimizer(self, groups: Sequence[Mapping[str, Any]], context: TrainerContext) -> torch.optim.Optimizer:
        """The optimizer over ``groups``."""
        return context.adamw(groups)

    def schedule(self, step: int, context: TrainerContext) -> float:
        """Factor of the learning rate at a step, from 0."""
        floor, n_steps = context.training.final_lr, context.n_steps
        return floor + (1 - floor) * 0.5 * (1 + float(np.cos(np.pi * min(step / max(n_steps, 1), 1.0))))

    def before_epoch(self, model: Network, epoch: int, context: TrainerContext) -> None:
        """Called before each pass over the training part; ``epoch`` counts from 0; nothing to do here."""

    def losses(
        self, model: Network, tokens: Mapping[str, Tokens], target: Tensor, context: TrainerContext
    ) -> Mapping[str, Tensor]:
        """The losses of a batch by name; those of the fusion."""
        loss = model.fusion.training_loss(tokens, target, context.criterion)
        return {"loss": loss} if isinstance(loss, Tensor) else loss

    def combine(self, losses: Mapping[str, Tensor]) -> Tensor:
        """The scalar that is minimised; the sum of the losses."""
        return torch.stack(list(losses.values())).sum() if len(losses) != 1 else next(iter(losses.values()))

    def backward(self, model: Network, step: TrainingStep, loss: Tensor, context: TrainerContext) -> None:
        """Compute the gradients; those of ``loss``."""
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated

    def after_backward(self, model: Network, step: TrainingStep, context: TrainerContext) -> None:
        """Change gradients in place, before they are clipped; nothing to do here."""


def _trained(module: nn.Module) -> tuple[nn.Parameter, ...]:
    return tuple(parameter for parameter in module.parameters() if parameter.requires_grad)
