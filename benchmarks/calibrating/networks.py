"""Many small networks, trained at once: one hidden layer, AdamW, cosine, the epoch chosen on validation.

The procedure is that of `mmbench.training.loop`. No network learns anything of another
(tests/benchmarks/test_benchmarks.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mmbench.data.splits.fold import Fold

Index = NDArray[np.int64]
N_CLASSES = 2


@dataclass(frozen=True)
class Training:
    """One network on one fold: the modalities it reads, and rows of the samples that all trainings share."""

    fold: Fold
    modalities: tuple[int, ...]
    offset: int = 0


@dataclass(frozen=True)
class Settings:
    """How every network is trained: briefly, so that what it learns depends on what it was drawn with."""

    hidden: int = 3
    epochs: int = 3
    lr: float = 0.01
    weight_decay: float = 0.01
    batch_size: int = 32
    final_lr: float = 0.1


def train(
    x: NDArray[np.float32], labels: Index, trainings: Sequence[Training], seed: int, how: Settings
) -> list[Index]:
    """Predictions of each network for its test part, in the order of that; ``x`` ``(n, modalities, features)``.

    ``seed`` draws all initial weights and orders, other ones for each network.
    """
    batch = _Batch(torch.from_numpy(x), torch.from_numpy(labels), trainings, torch.Generator().manual_seed(seed), how)
    best = torch.full((len(trainings), 2), -torch.inf)
    found = torch.zeros(batch.test.rows.shape, dtype=torch.long)
    for _ in range(how.epochs):
        batch.train()
        with torch.no_grad():
            standing = batch.validate()
            # The balanced accuracy decides, then the loss.
            better = (standing[:, 0] > best[:, 0]) | ((standing[:, 0] == best[:, 0]) & (standing[:, 1] > best[:, 1]))
            best = torch.where(better[:, None], standing, best)
            found = torch.where(better[:, None], batch.logits(batch.test.rows).argmax(dim=2), found)
    return [each[: len(one.fold.test)].numpy() for each, one in zip(found, trainings, strict=True)]


def train_outputs(
    x: NDArray[np.float32],
    targets: NDArray[np.float64],
    kind: str,
    trainings: Sequence[Training],
    seed: int,
    how: Settings,
) -> list[NDArray[np.float64]]:
    """Outputs of each network for its test part, for ``targets`` ``(n, O)``: ``values``, or ``labels`` of 0 and 1.

    The epoch is chosen by the loss on validation, squared error or cross-entropy.
    """
    loss = F.mse_loss if kind == "values" else F.binary_cross_entropy_with_logits
    draws = torch.Generator().manual_seed(seed)
    batch = _OutputBatch(torch.from_numpy(x), torch.from_numpy(targets).float(), trainings, draws, how, loss)
    best = torch.full((len(trainings),), torch.inf)
    found = torch.zeros(*batch.test.rows.shape, targets.shape[1])
    for _ in range(how.epochs):
        batch.train()
        with torch.no_grad():
            standing = batch.validation_loss()
            better = standing < best
            best = torch.where(better, standing, best)
            found = torch.where(better[:, None, None], batch.logits(batch.test.rows), found)
    return [each[: len(one.fold.test)].double().numpy() for each, one in zip(found, trainings, strict=True)]


class _Part:
    """Rows ``(J, n)`` of one part of every training, padded, and which of them are there."""

    def __init__(self, rows: Sequence[Index]) -> None:
        self.sizes = torch.tensor([len(each) for each in rows])
        self.rows = torch.zeros(len(rows), int(self.sizes.max()), dtype=torch.long)
        for padded, each in zip(self.rows, rows, strict=True):
            padded[: len(each)] = torch.from_numpy(each)
        self.there = torch.arange(self.rows.shape[1]) < self.sizes[:, None]


class _Batch:
    n_outputs = N_CLASSES

    def __init__(
        self, x: Tensor, labels: Tensor, trainings: Sequence[Training], draws: torch.Generator, how: Settings
    ) -> None:
        self.x, self.labels, self.draws, self.how = x.flatten(1), labels, draws, how
        parts = ("train", "validation", "test")
        self.training, self.validation, self.test = (
            _Part([getattr(each.fold, part) + each.offset for each in trainings]) for part in parts
        )
        width = x.shape[2]
        self.seen = torch.zeros(len(trainings), 1, self.x.shape[1])
        for mask, each in zip(self.seen, trainings, strict=True):
            for modality in each.modalities:
                mask[:, modality * width : (modality + 1) * width] = 1
        self.weights = [
            self._uniform(len(trainings), *shape, fan_in=fan_in).requires_grad_()
            for shape, fan_in in (
                ((self.x.shape[1], how.hidden), self.x.shape[1]),
                ((1, how.hidden), self.x.shape[1]),
                ((how.hidden, self.n_outputs), how.hidden),
                ((1, self.n_outputs), how.hidden),
            )
        ]
        self.steps = -(-self.training.rows.shape[1] // how.batch_size)
        self.optimizer = torch.optim.AdamW(self.weights, lr=how.lr, weight_decay=how.weight_decay, foreach=True)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            self.optimizer, how.epochs * self.steps, eta_min=how.lr * how.final_lr
        )

    def _uniform(self, *shape: int, fan_in: int) -> Tensor:
        scale: float = fan_in**0.5
        return (torch.rand(*shape, generator=self.draws) * 2 - 1) / scale

    def logits(self, rows: Tensor) -> Tensor:
        """Logits ``(J, b, C)`` of some rows ``(J, b)``."""
        first, first_bias, second, second_bias = self.weights
        hidden = torch.relu(torch.baddbmm(first_bias, self.x[rows] * self.seen, first))
        outputs: Tensor = torch.baddbmm(second_bias, hidden, second)
        return outputs

    def train(self) -> None:
        """One epoch; where training parts differ in size, the smaller ones begin again."""
        size = self.how.batch_size
        order = self._shuffled()
        for start in range(0, self.steps * size, size):
            rows = order[:, start : start + size]
            self.optimizer.zero_grad()
            (self.loss(rows) / size).backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
            self.optimizer.step()
            self.schedule.step()

    def loss(self, rows: Tensor) -> Tensor:
        """The sum over samples of some rows ``(J, b)``."""
        return F.cross_entropy(self.logits(rows).flatten(0, 1), self.labels[rows].flatten(), reduction="sum")

    def _shuffled(self) -> Tensor:
        part = self.training
        keys = torch.rand(part.rows.shape, generator=self.draws).masked_fill(~part.there, 2.0)
        places = torch.arange(self.steps * self.how.batch_size) % part.sizes[:, None]
        return part.rows.gather(1, keys.argsort(dim=1).gather(1, places))

    def validate(self) -> Tensor:
        """Balanced accuracy and negative loss ``(J, 2)`` on the validation parts."""
        part = self.validation
        logits, labels = self.logits(part.rows), self.labels[part.rows]
        classes = F.one_hot(labels, N_CLASSES) * part.there[:, :, None]
        right = F.one_hot(logits.argmax(dim=2), N_CLASSES) * classes
        support = classes.sum(dim=1)
        score = (right.sum(dim=1) / support.clamp_min(1)).sum(dim=1) / (support > 0).sum(dim=1)
        losses = F.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
        weight = (classes / support.clamp_min(1)[:, None]).sum(dim=2) / (support > 0).sum(dim=1, keepdim=True)
        return torch.stack([score, -(losses * weight).sum(dim=1)], dim=1)


class _OutputBatch(_Batch):
    """Networks for targets ``(n, O)``, with a loss of their own."""

    def __init__(
        self,
        x: Tensor,
        targets: Tensor,
        trainings: Sequence[Training],
        draws: torch.Generator,
        how: Settings,
        loss: Callable[..., Tensor],
    ) -> None:
        self.n_outputs, self.of_outputs = targets.shape[1], loss
        super().__init__(x, targets, trainings, draws, how)

    def loss(self, rows: Tensor) -> Tensor:
        """The sum over samples of the mean over outputs, of some rows ``(J, b)``."""
        return self.of_outputs(self.logits(rows), self.labels[rows], reduction="sum") / self.n_outputs

    def validation_loss(self) -> Tensor:
        """The mean loss ``(J,)`` on the validation parts."""
        part = self.validation
        losses = self.of_outputs(self.logits(part.rows), self.labels[part.rows], reduction="none").mean(dim=2)
        return (losses * part.there).sum(dim=1) / part.sizes
