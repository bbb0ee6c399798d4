"""Training of one fold by a trainer. It sees the labels of the training and the validation part only."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from mmbench.contract import Encoder, Metric, Trainer, Training, overrides
from mmbench.data import Fold, Inputs, Labels, Rows
from mmbench.errors import PluginError, TrainingError
from mmbench.registry import HOST_TRAINER, find_metric, orient, seed_torch
from mmbench.training.bag_encoding import adapt_encoder
from mmbench.training.batches.batching import prediction_order
from mmbench.training.batches.fold_batches import TrainingBatches, ValidationBatches
from mmbench.training.criterion import make_criterion, make_validation_loss
from mmbench.training.determinism import deterministic, mixed_precision
from mmbench.training.estimators import EstimatorModel
from mmbench.training.metrics import score
from mmbench.training.model import Model
from mmbench.training.trainer_context import FoldContext

_UNREAD_BATCH = 4096


@dataclass(frozen=True)
class Epoch:
    """Results of one epoch: losses, and the score on the validation part by the chosen metric."""

    train_loss: float
    validation_loss: float
    validation_score: float


@dataclass(frozen=True)
class FitResult:
    """The result of a training.

    ``chosen`` is the epoch with the best validation score, from 0. ``test_outputs`` ``(E, n, n_outputs)`` are the
    predictions of every epoch for the test part, for the bias of choosing the epoch on test data (oracle epoch).
    ``spread`` ``(V,)`` are standard deviations of the residuals of the validation part, for a task of values.
    """

    chosen: int
    history: tuple[Epoch, ...]
    test_outputs: NDArray[np.floating]
    spread: tuple[float, ...] | None = None


def fit(
    model: Model,
    inputs: Inputs,
    fold: Fold,
    labels: Labels,
    training: Training,
    *,
    seed: int,
    device: torch.device,
    metric: Metric | None = None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    trainer: Trainer | None = None,
) -> FitResult:
    """Train on the training part; stop early and choose the epoch on the validation part by ``metric``.

    Without ``metric``, that of the task decides; of epochs with equal scores the one with the lowest validation loss.
    ``model`` then has the weights of the chosen epoch. ``labels`` are marked as missing (`mmbench.data.labels`) outside
    of the training and the validation part. ``trainer`` None is that of the host. Raises PluginError for a trainer that
    ends no epoch or exceeds the budget of epochs.
    """
    with deterministic(device), torch.random.fork_rng(devices=[]):
        seed_torch(seed)
        metric = metric or find_metric(model.fusion.task.default_metric)
        if isinstance(model, EstimatorModel):
            return _fit_estimator(model, inputs, fold, labels, training, seed, device, metric, on_epoch)
        epochs = _Epochs(model.to(device), inputs, fold, labels, training, device, metric, on_epoch)
        return _fit(epochs, seed, trainer or Trainer())


def _fit(epochs: "_Epochs", seed: int, trainer: Trainer) -> FitResult:
    model, inputs, fold, labels = epochs.model, epochs.inputs, epochs.fold, epochs.labels
    training, device = epochs.training, epochs.device
    model.fit_targets(labels[fold.train])
    criterion = make_criterion(labels[fold.train], model.fusion.task, training).to(device)
    adapt_encoders(model, inputs, fold.train, device)
    is_trained = any(parameter.requires_grad for parameter in model.parameters())
    n_epochs = training.epochs if is_trained else 1
    trainer = trainer if is_trained else Trainer()  # nothing to train: an optimizer of a plugin would be refused
    if not is_trained and inputs.are_unread:  # it counts targets, in batches of any size
        training = replace(training, batch_size=max(training.batch_size, _UNREAD_BATCH))
    name = trainer_name(trainer)
    train = TrainingBatches(model, inputs, fold.train, labels, training, device, seed, n_epochs, name)
    context = FoldContext(model, training, criterion, device, seed, n_epochs, train, epochs.end, name)
    trainer.fit(model, train, ValidationBatches(model, inputs, fold.validation, labels, training, device), context)
    if error := context.error or train.error:  # the trainer suppressed it
        raise error
    if not epochs.history:
        raise PluginError("ends no epoch", where=name, remedy="call context.end_epoch after each pass over train")
    model.load_state_dict(epochs.state)
    outputs = predict(model, inputs, fold.validation, device)
    spread = _measure_spread(model, outputs, labels[fold.validation])
    return FitResult(epochs.chosen, tuple(epochs.history), np.stack(epochs.tested), spread)


def trainer_name(trainer: Trainer) -> str:
    """The name of a trainer for errors."""
    return f"trainer {getattr(trainer, 'name', HOST_TRAINER)}"


def _fit_estimator(
    model: EstimatorModel,
    inputs: Inputs,
    fold: Fold,
    labels: Labels,
    training: Training,
    seed: int,
    device: torch.device,
    metric: Metric,
    on_epoch: Callable[[Epoch], None],
) -> FitResult:
    """Fit an estimator once, which counts as one epoch; losses are those of validation, on both parts."""
    model.fit_targets(labels[fold.train])
    model.fit_estimator(inputs, fold.train, labels, training, seed, device)
    train, validation, test = (
        predict(model, inputs, part, device) for part in (fold.train, fold.validation, fold.test)
    )
    if not all(np.isfinite(outputs).all() for outputs in (train, validation, test)):
        raise TrainingError(
            f"outputs of the estimator {model.fusion.name} are not finite", where=fold.name, remedy="correct it"
        )
    known = labels[fold.validation]
    epoch = Epoch(
        _validation_loss(model, train, labels[fold.train]),
        _validation_loss(model, validation, known),
        score(metric, known, validation),
    )
    on_epoch(epoch)
    return FitResult(0, (epoch,), test[None], _measure_spread(model, validation, known))


def _measure_spread(
    model: Model, outputs: NDArray[np.floating], labels: NDArray[np.generic]
) -> tuple[float, ...] | None:
    """Standard deviations of the residuals of the validation part; None for tasks of classes and labels."""
    if model.fusion.task.kind != "values":
        return None
    residuals = np.asarray(outputs, dtype=np.float64) - np.asarray(labels, dtype=np.float64)
    return tuple(residuals.std(axis=0).tolist())


def _validation_loss(model: Model, outputs: NDArray[np.floating], labels: NDArray[np.generic]) -> float:
    """The loss of some outputs that decides between epochs of the same score."""
    loss = make_validation_loss(labels, model.fusion.task)
    return float(loss(model.standardize(torch.from_numpy(outputs)), model.target(labels, torch.device("cpu"))))


class _Epochs:
    """The epochs of a training so far, the predictions of the test part after each, and the weights of the best."""

    def __init__(
        self,
        model: Model,
        inputs: Inputs,
        fold: Fold,
        labels: Labels,
        training: Training,
        device: torch.device,
        metric: Metric,
        on_epoch: Callable[[Epoch], None],
    ) -> None:
        self.model, self.inputs, self.fold, self.labels = model, inputs, fold, labels
        self.training, self.device, self.metric, self.on_epoch = training, device, metric, on_epoch
        self.history: list[Epoch] = []
        self.tested: list[NDArray[np.floating]] = []
        self.best: tuple[float, float] | None = None
        self.chosen, self.state = 0, model.state_dict()

    def end(self, loss: float) -> bool:
        """Validate and test the model after an epoch; False if there was no improvement for the patience."""
        epoch, number = self._validate(loss), len(self.history)
        if not np.isfinite([epoch.train_loss, epoch.validation_loss, epoch.validation_score]).all():
            raise TrainingError(
                f"the loss is not finite in epoch {number + 1}", where=self.fold.name, remedy="lower --training lr=..."
            )
        self.history.append(epoch)
        self.tested.append(predict(self.model, self.inputs, self.fold.test, self.device))
        rank = rank_epoch(epoch, self.metric)
        if self.best is None or rank > self.best:
            self.best, self.chosen, self.state = rank, number, deepcopy(self.model.state_dict())
        self.on_epoch(epoch)
        return number - self.chosen < self.training.patience

    def _validate(self, train_loss: float) -> Epoch:
        """Loss and score on the validation part."""
        rows = self.fold.validation
        outputs = predict(self.model, self.inputs, rows, self.device)
        loss = _validation_loss(self.model, outputs, self.labels[rows])
        is_finite = np.isfinite(loss) and np.isfinite(outputs).all()  # else training ends, whatever the metric
        return Epoch(train_loss, loss, score(self.metric, self.labels[rows], outputs) if is_finite else np.nan)


def rank_epoch(epoch: Epoch, metric: Metric) -> tuple[float, float]:
    """The order of epochs, the largest the best: by validation score, then by validation loss."""
    return orient(metric, epoch.validation_score), -epoch.validation_loss


def adapt_encoders(model: Model, inputs: Inputs, rows: Rows, device: torch.device) -> None:
    """Call `adapt` of every encoder that implements it, with the instances of the training part."""
    for name in model.encoders:
        encoder = model.encoder(name)
        if overrides(encoder, "adapt", Encoder):
            adapt_encoder(encoder, inputs.streams[name].batch(rows).to(device))


def predict(
    model: Model, inputs: Inputs, rows: Rows, device: torch.device, batch_size: int = 64
) -> NDArray[np.floating]:
    """Outputs ``(n, n_outputs)`` of some rows, in their order: logits, or values in units of the data."""
    model.eval()
    if not len(rows):
        return np.zeros((0, model.fusion.n_outputs), dtype=np.float32)
    parts, order = [], prediction_order(inputs.sizes(rows))
    in_order = rows if order is None else rows[order]
    with torch.inference_mode():
        for start in range(0, len(rows), batch_size):
            with mixed_precision(device):
                outputs = model(inputs.batch(in_order[start : start + batch_size], device))
            parts.append((outputs if outputs.dtype == torch.float64 else outputs.float()).cpu().numpy())
    whole = np.concatenate(parts)
    return whole if order is None else whole[np.argsort(order)]
