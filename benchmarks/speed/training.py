"""The training loop of mmbench, against the same loop in plain PyTorch, on the same small model and data."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from timing import Contenders, Goal, ResultsDiffer

from mmbench import TokenSpec, Training
from mmbench.builtin.fusions.concat import Concat
from mmbench.data.batches import Bags, Inputs, Stream
from mmbench.data.splits.fold import Fold
from mmbench.training.loop import fit
from mmbench.training.model import Model
from speed.bare_loop import Rows, Trained, train_bare

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
    """A plain loop over shuffled batches."""
    data, labels, fold, training = problem
    x = {name: torch.from_numpy(values)[:, None, None] for name, values in data.items()}
    present = torch.ones(len(labels), 1, dtype=torch.bool)

    def batches(random: np.random.Generator) -> Iterator[Rows]:
        order = random.permutation(fold.train)
        return (order[start : start + training.batch_size] for start in range(0, len(order), training.batch_size))

    def batch(rows: Rows) -> dict[str, Bags]:
        at = torch.from_numpy(rows)
        return {name: Bags(values[at], present[at]) for name, values in x.items()}

    return train_bare(make_model(), fold, labels, training, batches, batch)


def check(results: Mapping[str, Any]) -> None:
    """Check that losses and weights are bit-identical."""
    ours, bare = results[OURS], results[BARE]
    if ours.losses != bare.losses:
        raise ResultsDiffer(f"losses {ours.losses[-1]} and {bare.losses[-1]}")
    if not all(torch.equal(ours.weights[name], bare.weights[name]) for name in bare.weights):
        raise ResultsDiffer("the weights are not the same")
