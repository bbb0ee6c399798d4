"""The training loop of mmbench, against the same loop in plain PyTorch, on the same small model and data."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from timing import Contenders, Goal, ResultsDiffer
from torch import nn
from torch.nn import functional as F

from mmbench import TokenSpec, Training
from mmbench.builtin.fusions.concat import Concat
from mmbench.data.batches import Bags, Inputs, Stream
from mmbench.data.splits.fold import Fold
from mmbench.training.loop import fit
from mmbench.training.model import Model

NAME = "training"
TITLE = "training loop"
OURS, BARE = "mmbench", "bare PyTorch"
GOALS = (Goal("at most 5 % slower than the same loop in bare PyTorch", OURS, BARE, most=1.05),)
WIDTHS = {"eeg": 160, "face": 128}
N_CLASSES = 4


class Problem(NamedTuple):
    """Data and settings of both loops."""

    data: dict[str, NDArray[np.float32]]
    labels: NDArray[np.int64]
    fold: Fold
    training: Training


class Trained(NamedTuple):
    """Result of a training, which must agree."""

    losses: list[float]
    weights: dict[str, torch.Tensor]


class InMemory:
    """Vectors as a source of bags of one."""

    lengths = None

    def __init__(self, x: NDArray[np.float32]) -> None:
        self.x = x[:, None, None]

    def read(self, rows: Any) -> tuple[Any, Any]:
        return self.x[rows], np.ones((len(rows), 1), dtype=bool)


def available() -> str | None:
    return None


@contextmanager
def setup(folder: Path, quick: bool) -> Iterator[Contenders]:
    problem = make(300 if quick else 3000, 2 if quick else 10)
    inputs = Inputs({name: Stream(InMemory(x), None, len(x)) for name, x in problem.data.items()})
    torch.set_num_threads(1)
    contenders = {OURS: lambda: host(problem, inputs), BARE: lambda: bare(problem)}
    about = (
        f"{problem.training.epochs} epochs of {len(problem.fold.train)} vectors of two modalities through `concat`, "
        f"{len(problem.fold.validation)} for validation, {len(problem.fold.test)} predicted each epoch; one thread"
    )
    yield Contenders(contenders, check, about)


def make(n: int, epochs: int) -> Problem:
    random = np.random.default_rng(0)
    labels = random.integers(0, N_CLASSES, n)
    data = {
        name: (random.standard_normal((n, width)) + 0.1 * labels[:, None]).astype(np.float32)
        for name, width in WIDTHS.items()
    }
    rows = random.permutation(n)
    fold = Fold("0", np.sort(rows[: 2 * n // 3]), np.sort(rows[2 * n // 3 : 5 * n // 6]), np.sort(rows[5 * n // 6 :]))
    return Problem(data, labels, fold, Training(epochs=epochs, patience=epochs, class_weights=False))


def make_model() -> Model:
    torch.manual_seed(0)
    return Model({}, Concat({name: TokenSpec(1, width) for name, width in sorted(WIDTHS.items())}, N_CLASSES))


def host(problem: Problem, inputs: Inputs) -> Trained:
    model = make_model()
    fitted = fit(model, inputs, problem.fold, problem.labels, problem.training, seed=0, device=torch.device("cpu"))
    return Trained([epoch.train_loss for epoch in fitted.history], model.state_dict())


def bare(problem: Problem) -> Trained:
    """A plain loop: shuffle, step, validate, predict the test part, keep the best weights."""
    data, labels, fold, training = problem
    model = make_model()
    x = {name: torch.from_numpy(values)[:, None, None] for name, values in data.items()}
    present, y = torch.ones(len(labels), 1, dtype=torch.bool), torch.from_numpy(labels)
    order = np.random.default_rng(0)
    torch.manual_seed(0)
    n_steps = training.epochs * -(-len(fold.train) // training.batch_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=training.lr, weight_decay=training.weight_decay)
    floor = training.final_lr
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: floor + (1 - floor) * 0.5 * (1 + float(np.cos(np.pi * min(step / n_steps, 1.0))))
    )

    def batch(rows: torch.Tensor) -> dict[str, Bags]:
        return {name: Bags(values[rows], present[rows]) for name, values in x.items()}

    def predict(rows: torch.Tensor) -> torch.Tensor:
        model.eval()
        with torch.inference_mode():
            return torch.cat([model(batch(part)) for part in rows.split(64)])

    losses, best, state, tested = [], None, {}, []
    for _ in range(training.epochs):
        model.train()
        total, seen = 0.0, 0
        for rows in torch.from_numpy(order.permutation(fold.train)).split(training.batch_size):
            loss = F.cross_entropy(model(batch(rows)), y[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), training.clip)
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(rows)
            seen += len(rows)
        losses.append(total / seen)
        logits, target = predict(torch.from_numpy(fold.validation)), y[torch.from_numpy(fold.validation)]
        weight = len(target) / (N_CLASSES * target.bincount(minlength=N_CLASSES)).float()
        hits = torch.stack(
            [(logits.argmax(1) == target)[target == label].double().mean() for label in range(N_CLASSES)]
        )
        rank = (float(hits.mean()), -float(F.cross_entropy(logits, target, weight=weight)))
        tested.append(predict(torch.from_numpy(fold.test)))
        if best is None or rank > best:
            best, state = rank, deepcopy(model.state_dict())
    model.load_state_dict(state)
    return Trained(losses, model.state_dict())


def check(results: Mapping[str, Any]) -> None:
    """Check that losses and weights are bit-identical."""
    ours, bare = results[OURS], results[BARE]
    if ours.losses != bare.losses:
        raise ResultsDiffer(f"losses {ours.losses[-1]} and {bare.losses[-1]}")
    if not all(torch.equal(ours.weights[name], bare.weights[name]) for name in bare.weights):
        raise ResultsDiffer("the weights are not the same")
