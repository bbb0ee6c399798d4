"""Trainers that raise, end the process or write weights that are not finite, and one with a tuned parameter."""

import os
from collections.abc import Callable, Mapping

from torch import Tensor

from mmbench import Float, Network, Trainer, TrainerContext, TrainingStep, hookimpl


class Failing(Trainer):
    """Fails after the first backward pass: ``how`` is raise, exit, stop or nan."""

    name = "failing"

    def __init__(self, *, how: str = "raise") -> None:
        self.how = how

    def after_backward(self, model: Network, step: TrainingStep, context: TrainerContext) -> None:
        """Fail."""
        if self.how == "raise":
            raise KeyError("eeg")
        if self.how == "exit":
            os._exit(0)
        if self.how == "stop":
            raise SystemExit(3)

    def before_epoch(self, model: Network, epoch: int, context: TrainerContext) -> None:
        """Write NaN before the second epoch."""
        if self.how == "nan" and epoch == 1:
            next(model.parameters()).data.fill_(float("nan"))


class Tunable(Trainer):
    """Multiplies the loss."""

    name = "tunable"
    space = {"factor": Float(0.1, 0.9)}  # noqa: RUF012

    def __init__(self, *, factor: float = 0.5, power: float = 1.0) -> None:
        self.factor, self.power = factor, power

    def combine(self, losses: Mapping[str, Tensor]) -> Tensor:
        """The loss, multiplied."""
        return self.factor * super().combine(losses)


@hookimpl
def register_trainers(register: Callable[[type[Trainer]], None]) -> None:
    """Both."""
    register(Failing)
    register(Tunable)
