"""Training loop. It sees the labels of the training and the validation part only."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mmbench.contract import Encoder, Metric, Training, overrides
from mmbench.data import Bags, Fold, Inputs, Labels, Rows
from mmbench.errors import TrainingError
from mmbench.registry import find_metric, orient, seed_torch
from mmbench.training.augmentation import augment
from mmbench.training.bag_encoding import adapt_encoder
from mmbench.training.batching import prediction_order, training_batches
from mmbench.training.criterion import make_criterion, make_validation_loss, sum_losses
from mmbench.training.determinism import deterministic, mixed_precision
from mmbench.training.estimators import EstimatorModel
from mmbench.training.metrics import score
from mmbench.training.modality_dropout import drop_modalities
from mmbench.training.model import Model
from mmbench.training.optimizer import AdamW


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
) -> FitResult:
    """Train on the training part; stop early and choose the epoch on the validation part by ``metric``.

    Without ``metric``, that of the task decides; of epochs with equal scores the one with the lowest validation loss.
    ``model`` then has the weights of the chosen epoch. ``labels`` are marked as missing (`mmbench.data.labels`) outside
    of the training and the validation part.
    """
    with deterministic(device), torch.random.fork_rng(devices=[]):
        seed_torch(seed)
        metric = metric or find_metric(model.fusion.task.default_metric)
        if isinstance(model, EstimatorModel):
            return _fit_estimator(model, inputs, fold, labels, training, seed, device, metric, on_epoch)
        loop = _Loop(model.to(device), inputs, labels, training, device, fold, seed, metric)
        return _fit(loop, np.random.default_rng(seed), on_epoch)


def _fit(loop: "_Loop", shuffle: np.random.Generator, on_epoch: Callable[[Epoch], None]) -> FitResult:
    fold, model = loop.fold, loop.model
    history: list[Epoch] = []
    tested: list[NDArray[np.floating]] = []
    best: tuple[float, float] | None = None
    chosen, state = 0, model.state_dict()
    for number in range(loop.n_epochs):
        loss = loop.train(fold.train, shuffle)
        epoch = loop.validate(loss)
        if not np.isfinite([epoch.train_loss, epoch.validation_loss, epoch.validation_score]).all():
            raise TrainingError(
                f"the loss is not finite in epoch {number + 1}", where=fold.name, remedy="lower --training lr=..."
            )
        history.append(epoch)
        tested.append(predict(model, loop.inputs, fold.test, loop.device))
        rank = rank_epoch(epoch, loop.metric)
        if best is None or rank > best:
            best, chosen, state = rank, number, deepcopy(model.state_dict())
        on_epoch(epoch)
        if number - chosen >= loop.training.patience:
            break
    model.load_state_dict(state)
    outputs = predict(model, loop.inputs, fold.validation, loop.device)
    spread = _measure_spread(model, outputs, loop.labels[fold.validation])
    return FitResult(chosen, tuple(history), np.stack(tested), spread)


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


class _Loop:
    """State of a training, and the two halves of an epoch: training and validation."""

    def __init__(
        self,
        model: Model,
        inputs: Inputs,
        labels: Labels,
        training: Training,
        device: torch.device,
        fold: Fold,
        seed: int,
        metric: Metric,
    ) -> None:
        self.model, self.inputs, self.labels, self.training = model, inputs, labels, training
        self.device, self.fold, self.metric = device, fold, metric
        model.fit_targets(labels[fold.train])
        self.criterion = make_criterion(labels[fold.train], model.fusion.task, training).to(device)
        # A generator of its own: augmentation does not change how weights and order are drawn.
        self.augmentation_random = torch.Generator().manual_seed(seed)
        self.augmented = trained_images(model) if training.augment else ()
        adapt_encoders(model, inputs, fold.train, device)
        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.n_epochs = training.epochs if parameters else 1
        self.stepper = _Stepper(parameters, training, self.n_epochs * -(-len(fold.train) // training.batch_size))

    def train(self, rows: Rows, shuffle: np.random.Generator) -> float:
        """One pass over ``rows`` in random order; returns the mean loss."""
        self.model.train()
        total, seen = 0.0, 0
        for part in training_batches(rows, self.training.batch_size, shuffle, self.inputs.sizes(rows)):
            target = self.model.target(self.labels[part], self.device)
            with mixed_precision(self.device):
                tokens = self.model.tokens(self._training_batch(part))
                loss = sum_losses(self.model.fusion.training_loss(tokens, target, self.criterion))
            self.stepper.step(loss)
            total += float(loss.detach()) * len(part)
            seen += len(part)
        return total / seen

    def _training_batch(self, rows: Rows) -> dict[str, Bags]:
        batch = self.inputs.batch(rows, self.device)
        for name in self.augmented:
            bags = batch[name]
            batch[name] = bags._replace(x=augment(bags.x, self.augmentation_random, bags.lengths))
        return drop_modalities(batch, self.training.modality_dropout, self.augmentation_random)

    def validate(self, train_loss: float) -> Epoch:
        """Loss and score on the validation part."""
        rows = self.fold.validation
        outputs = predict(self.model, self.inputs, rows, self.device)
        loss = _validation_loss(self.model, outputs, self.labels[rows])
        is_finite = np.isfinite(loss) and np.isfinite(outputs).all()  # else training ends, whatever the metric
        return Epoch(train_loss, loss, score(self.metric, self.labels[rows], outputs) if is_finite else np.nan)


def rank_epoch(epoch: Epoch, metric: Metric) -> tuple[float, float]:
    """The order of epochs, the largest the best: by validation score, then by validation loss."""
    return orient(metric, epoch.validation_score), -epoch.validation_loss


def trained_images(model: Model) -> tuple[str, ...]:
    """The image modalities that arrive as pixels, for an encoder that is trained."""
    return tuple(name for name in model.encoders if model.encoder(name).modality.kind in ("image", "video"))


def adapt_encoders(model: Model, inputs: Inputs, rows: Rows, device: torch.device) -> None:
    """Call `adapt` of every encoder that implements it, with the instances of the training part."""
    for name in model.encoders:
        encoder = model.encoder(name)
        if overrides(encoder, "adapt", Encoder):
            adapt_encoder(encoder, inputs.streams[name].batch(rows).to(device))


class _Stepper:
    """AdamW with a cosine schedule and clipped gradients; does nothing without trainable parameters."""

    def __init__(self, parameters: list[nn.Parameter], training: Training, n_steps: int) -> None:
        self.parameters = parameters
        self.clip = training.clip
        if parameters:
            self.optimizer = AdamW(parameters, lr=training.lr, weight_decay=training.weight_decay)
            floor = training.final_lr

            def factor(step: int) -> float:
                return floor + (1 - floor) * 0.5 * (1 + float(np.cos(np.pi * min(step / max(n_steps, 1), 1.0))))

            self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, factor)

    def step(self, loss: Tensor) -> None:
        if not self.parameters:
            return
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        if self.clip:
            nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self.optimizer.step()
        self.schedule.step()


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
