"""Loss of the host, which follows from the task: cross-entropy, binary cross-entropy, Huber."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mmbench.contract import Task, Training


def make_criterion(target: NDArray[np.generic], task: Task, training: Training) -> nn.Module:
    """The loss of a task, with class weights from ``target``, that of the training part, where they are asked for.

    One class: cross-entropy. Several labels: binary cross-entropy, mean over labels. Values: the Huber loss with
    threshold 1 (Huber 1964), mean over targets, which are in units of their standard deviation.
    """
    if task.kind == "values":
        return nn.HuberLoss()
    if task.kind == "labels":
        weight = torch.from_numpy(label_weights(target)) if training.class_weights else None
        return _LabelLoss(weight, training.label_smoothing)
    classes = target.astype(np.int64)
    weight = torch.from_numpy(class_weights(classes, task.n_outputs)) if training.class_weights else None
    return nn.CrossEntropyLoss(weight=weight, label_smoothing=training.label_smoothing)


def make_validation_loss(target: NDArray[np.generic], task: Task) -> nn.Module:
    """The loss that decides between epochs of the same score, for the labels ``target`` of the validation part.

    That of training without smoothing and weights, but classes have equal weight whatever their frequencies.
    """
    if task.kind == "class":
        return nn.CrossEntropyLoss(weight=torch.from_numpy(class_weights(target.astype(np.int64), task.n_outputs)))
    return make_criterion(target, task, Training(class_weights=False))


class _LabelLoss(nn.Module):
    """Binary cross-entropy of logits ``(B, L)``; smoothing moves the targets 0 and 1 towards one half."""

    def __init__(self, weight: Tensor | None, smoothing: float) -> None:
        super().__init__()
        self.loss = nn.BCEWithLogitsLoss(pos_weight=weight)
        self.smoothing = smoothing

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        smooth = target * (1 - self.smoothing) + self.smoothing / 2
        loss: Tensor = self.loss(logits, smooth.to(logits.dtype))
        return loss


def class_weights(labels: NDArray[np.int64], n_classes: int) -> NDArray[np.float32]:
    """Weights of the classes ``(C,)``, inverse to their frequencies, with mean 1 over the samples."""
    counts = np.bincount(labels, minlength=n_classes)
    weights: NDArray[np.float32] = np.where(
        counts > 0, len(labels) / np.maximum(counts, 1) / max((counts > 0).sum(), 1), 1.0
    ).astype(np.float32)
    return weights


def label_weights(target: NDArray[np.generic]) -> NDArray[np.float32]:
    """The square root of negatives over positives for each label ``(L,)``, from 0 or 1 ``(n, L)``; 1 without positives.

    The root keeps rare labels from being predicted everywhere, as the ratio itself would.
    """
    positive = target.astype(np.float64).sum(axis=0)
    odds = (len(target) - positive) / np.maximum(positive, 1)
    return np.where(positive > 0, np.sqrt(np.maximum(odds, 1e-3)), 1.0).astype(np.float32)


def sum_losses(loss: Tensor | Mapping[str, Tensor]) -> Tensor:
    """The loss of a batch from one tensor or several by name."""
    return loss if isinstance(loss, Tensor) else torch.stack(list(loss.values())).sum()
