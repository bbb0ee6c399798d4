"""The training loop on recordings of unequal lengths, against the same loop in plain PyTorch with packed batches."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from timing import Contenders, Goal, ResultsDiffer
from torch.nn.utils.rnn import pad_sequence

from mmbench import Modality, Training
from mmbench.builtin.encoders.recurrent import Gru
from mmbench.builtin.fusions.concat import Concat
from mmbench.data.batches import Bags, Inputs, Stream
from mmbench.data.splits.fold import Fold
from mmbench.training.batches.batching import prediction_order, training_batches
from mmbench.training.loop import fit
from mmbench.training.model import Model
from speed.bare_loop import Rows, Trained, train_bare

NAME = "lengths"
TITLE = "unequal lengths"
OURS, SAME, RANDOM = "mmbench", "bare PyTorch, the same batches", "bare PyTorch, batches at random"
GOALS = (Goal("at most 1.2 times the same loop in bare PyTorch with packed batches", OURS, SAME, most=1.2),)
SHAPES = {"inertial": (6, 107, 326), "skeleton": (60, 41, 125)}
"""Channels, and the least and the largest number of time steps, as in UTD-MHAD."""
N_CLASSES = 27


class Problem(NamedTuple):
    """Recordings ``(C, T)`` of each modality, and the settings of all loops."""

    data: Mapping[str, list[NDArray[np.float32]]]
    labels: NDArray[np.int64]
    fold: Fold
    training: Training


class Recordings:
    """Recordings of unequal lengths as a source of bags of one."""

    def __init__(self, recordings: list[NDArray[np.float32]]) -> None:
        self.recordings = recordings
        self.lengths = np.array([[each.shape[1]] for each in recordings])

    def read(self, rows: Any) -> tuple[Any, Any]:
        n_channels, longest = self.recordings[0].shape[0], int(self.lengths[rows].max())
        x = np.zeros((len(rows), 1, n_channels, longest), dtype=np.float32)
        for at, row in enumerate(rows):
            x[at, 0, :, : self.lengths[row, 0]] = self.recordings[row]
        return x, np.ones((len(rows), 1), dtype=bool)


def available() -> str | None:
    return None


@contextmanager
def setup(folder: Path, quick: bool) -> Iterator[Contenders]:
    problem = make(60 if quick else 861, 2 if quick else 3)
    inputs = Inputs({name: Stream(Recordings(each), None, len(each), 1) for name, each in problem.data.items()})
    torch.set_num_threads(1)
    contenders = {
        OURS: lambda: host(problem, inputs),
        SAME: lambda: bare(problem, inputs.sizes),
        RANDOM: lambda: bare(problem, None),
    }
    about = (
        f"{problem.training.epochs} epochs of {len(problem.fold.train)} simulated recordings with the lengths of "
        f"UTD-MHAD (41 to 125 and 107 to 326 time steps) through two bidirectional GRUs and `concat`, "
        f"{len(problem.fold.validation)} for validation, {len(problem.fold.test)} predicted each epoch; one thread"
    )
    yield Contenders(contenders, check, about)


def make(n: int, epochs: int) -> Problem:
    random = np.random.default_rng(0)
    labels = np.arange(n) % N_CLASSES
    data = {
        name: [random.standard_normal((channels, random.integers(low, high + 1)), dtype=np.float32) for _ in range(n)]
        for name, (channels, low, high) in SHAPES.items()
    }
    rows = random.permutation(n)
    fold = Fold("0", np.sort(rows[: 2 * n // 3]), np.sort(rows[2 * n // 3 : 5 * n // 6]), np.sort(rows[5 * n // 6 :]))
    return Problem(data, labels, fold, Training(epochs=epochs, patience=epochs, class_weights=False))


def make_model() -> Model:
    torch.manual_seed(0)
    encoders = {
        name: Gru(Modality(name, "timeseries", (channels, None), rate=50.0)) for name, (channels, *_) in SHAPES.items()
    }
    return Model(encoders, Concat({name: encoder.out for name, encoder in encoders.items()}, N_CLASSES))


def host(problem: Problem, inputs: Inputs) -> Trained:
    model = make_model()
    fitted = fit(model, inputs, problem.fold, problem.labels, problem.training, seed=0, device=torch.device("cpu"))
    return Trained([epoch.train_loss for epoch in fitted.history], model.state_dict())


def bare(problem: Problem, sizes: Callable[[Rows], NDArray[np.float64] | None] | None) -> Trained:
    """A plain loop whose batches are padded to their longest; ``sizes`` of rows put similar lengths together."""
    data, labels, fold, training = problem
    x = {name: [torch.from_numpy(each.T.copy()) for each in recordings] for name, recordings in data.items()}

    def batches(random: np.random.Generator) -> Iterator[Rows]:
        return training_batches(fold.train, training.batch_size, random, sizes(fold.train) if sizes else None)

    def batch(rows: Rows) -> dict[str, Bags]:
        found = {}
        for name, recordings in x.items():
            parts = [recordings[row] for row in rows]
            lengths = torch.tensor([[len(part)] for part in parts])
            padded = pad_sequence(parts, batch_first=True).transpose(1, 2)[:, None]
            found[name] = Bags(padded, torch.ones(len(rows), 1, dtype=torch.bool), lengths)
        return found

    def order(rows: Rows) -> NDArray[np.int64]:
        found = prediction_order(sizes(rows)) if sizes else None
        return np.arange(len(rows)) if found is None else found

    return train_bare(make_model(), fold, labels, training, batches, batch, order)


def check(results: Mapping[str, Any]) -> None:
    """Check that losses with the same batches are those of mmbench but for rounding, and the others near them."""
    ours, same, random = (results[name].losses for name in (OURS, SAME, RANDOM))
    if not np.allclose(ours, same, rtol=1e-5):
        raise ResultsDiffer(f"losses {ours} and {same}")
    if not np.allclose(ours, random, rtol=0.1):
        raise ResultsDiffer(f"losses {ours} and, with batches at random, {random}")
