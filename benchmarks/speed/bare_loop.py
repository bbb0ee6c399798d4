"""The training loop of mmbench written in plain PyTorch, for races against it."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from mmbench import Training
from mmbench.data.batches import Bags
from mmbench.data.splits.fold import Fold
from mmbench.training.model import Model

Rows = NDArray[np.int64]


class Trained(NamedTuple):
    """Result of a training, which must agree."""

    losses: list[float]
    weights: dict[str, Tensor]


def train_bare(
    model: Model,
    fold: Fold,
    labels: NDArray[np.int64],
    training: Training,
    batches: Callable[[np.random.Generator], Iterator[Rows]],
    batch: Callable[[Rows], dict[str, Bags]],
    order: Callable[[Rows], Rows | None] | None = None,
) -> Trained:
    """Step, validate, predict the test part, keep the best weights.

    ``batches`` yields the rows of the batches of an epoch, ``batch`` reads some rows, ``order`` is that in which rows
    are predicted (None, also returned: their own).
    """
    y = torch.from_numpy(labels)
    random = np.random.default_rng(0)
    torch.manual_seed(0)
    n_steps = training.epochs * -(-len(fold.train) // training.batch_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=training.lr, weight_decay=training.weight_decay)
    floor = training.final_lr
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: floor + (1 - floor) * 0.5 * (1 + float(np.cos(np.pi * min(step / n_steps, 1.0))))
    )

    def predict(rows: Rows) -> Tensor:
        model.eval()
        at = order(rows) if order else None
        at = np.arange(len(rows)) if at is None else at
        with torch.inference_mode():
            parts = [model(batch(rows[at[start : start + 64]])) for start in range(0, len(rows), 64)]
        return torch.cat(parts)[torch.from_numpy(np.argsort(at))]

    losses, best, state = [], None, {}
    for _ in range(training.epochs):
        model.train()
        total, seen = 0.0, 0
        for rows in batches(random):
            loss = F.cross_entropy(model(batch(rows)), y[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
            nn.utils.clip_grad_norm_(model.parameters(), training.clip)
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(rows)
            seen += len(rows)
        losses.append(total / seen)
        rank = _rank(predict(fold.validation), y[torch.from_numpy(fold.validation)])
        predict(fold.test)
        if best is None or rank > best:
            best, state = rank, deepcopy(model.state_dict())
    model.load_state_dict(state)
    return Trained(losses, model.state_dict())


def _rank(logits: Tensor, target: Tensor) -> tuple[float, float]:
    """Balanced accuracy, then the loss that weighs classes equally."""
    n_classes = logits.shape[1]
    weight = len(target) / (n_classes * target.bincount(minlength=n_classes)).float()
    hits = [(logits.argmax(1) == target)[target == label].double().mean() for label in torch.unique(target)]
    return float(torch.stack(hits).mean()), -float(F.cross_entropy(logits, target, weight=weight))
