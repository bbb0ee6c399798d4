"""Services of the host for a trainer: criterion, precision, optimizer, and the end of an epoch."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor

from mmbench.contract import Criterion, Tokens, Training
from mmbench.errors import PluginError, TrainingError
from mmbench.registry import HOST_TRAINER
from mmbench.training.batches.fold_batches import TrainingBatches
from mmbench.training.determinism import mixed_precision
from mmbench.training.model import Model
from mmbench.training.optimizer import AdamW

_HOST = f"trainer {HOST_TRAINER}"


class FoldContext:
    """The `TrainerContext` of one training; ``error`` is the first of the host, which a trainer may not suppress."""

    def __init__(
        self,
        model: Model,
        training: Training,
        criterion: Criterion,
        device: torch.device,
        seed: int,
        n_epochs: int,
        train: TrainingBatches,
        end: Callable[[float], bool],
        trainer: str,
    ) -> None:
        self.training, self.criterion, self.device, self.seed = training, criterion, device, seed
        self.n_epochs, self.n_steps = n_epochs, n_epochs * len(train)
        self.error: Exception | None = None
        self._model, self._train, self._end, self._trainer = model, train, end, trainer
        self._n_ended, self._goes_on = 0, True

    def mixed_precision(self) -> AbstractContextManager[object]:
        """The precision of the run."""
        return mixed_precision(self.device)

    def adamw(self, groups: Sequence[Mapping[str, Any]]) -> torch.optim.Optimizer:
        """AdamW with learning rate and weight decay of the run."""
        settings = self.training
        return AdamW([dict(group) for group in groups], lr=settings.lr, weight_decay=settings.weight_decay)

    def unimodal_outputs(self, tokens: Mapping[str, Tokens]) -> dict[str, Tensor]:
        """Outputs of the fusion in evaluation mode, for each modality alone."""
        fusion = self._model.fusion
        was_training = fusion.training
        fusion.eval()
        try:
            return {name: fusion(_keep_only(tokens, name)) for name in tokens}
        finally:
            fusion.train(was_training)

    def end_epoch(self, loss: float) -> bool:
        """Let the host validate the model; PluginError if the training should have stopped, or without a pass."""
        try:
            self._check()
            self._n_ended += 1
            self._goes_on = self._validate(float(loss)) and self._train.n_begun < self.n_epochs
            self._train.is_over = not self._goes_on
        except Exception as error:
            self.error = self.error or error
            raise
        return self._goes_on

    def _validate(self, loss: float) -> bool:
        """Whether the host goes on; where it finds no finite loss, the error names the trainer of a plugin."""
        try:
            return self._end(loss)
        except TrainingError as error:
            if self._trainer == _HOST:
                raise
            weights = self._model.named_parameters()
            wrong = next((name for name, weight in weights if not torch.isfinite(weight).all()), None)
            problem = (
                error.message if wrong is None else f"the weight {wrong} is not finite after epoch {self._n_ended}"
            )
            remedy = "correct the trainer, or lower --training lr=..."
            raise TrainingError(problem, where=f"{self._trainer}, fold {error.where}", remedy=remedy) from error

    def _check(self) -> None:
        if not self._goes_on:
            problem = "ends another epoch after context.end_epoch returned False"
        elif self._train.n_begun <= self._n_ended:
            problem = "ends an epoch without a pass over the training part"
        else:
            return
        raise PluginError(problem, where=self._trainer, remedy="end one epoch after each pass, and stop at False")


def _keep_only(tokens: Mapping[str, Tokens], kept: str) -> dict[str, Tokens]:
    return {name: each if name == kept else _masked(each) for name, each in tokens.items()}


def _masked(tokens: Tokens) -> Tokens:
    return Tokens(*(torch.zeros_like(part) for part in tokens))
