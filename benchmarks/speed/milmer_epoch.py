"""A training epoch of Milmer on cached tokens of its face encoder, against training the encoder, too."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from timing import Contenders, Goal, Measured, ResultsDiffer, measure
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from mmbench import Training
from mmbench.data.batches import Inputs, Stream
from mmbench.data.sources import ArraySource
from mmbench.data.splits.fold import Fold
from mmbench.data.store import Store
from mmbench.features.cache import Encoding, encode
from mmbench.registry.specs import parse_spec
from mmbench.training.loop import fit, predict
from mmbench.training.model import Model
from speed.milmer_parts import SWIN, make_model, make_swin, write_store

NAME = "milmer_epoch"
TITLE = "Milmer, an epoch"
CACHED, WHOLE = "on cached tokens", "end to end"
UNIT = "s a sample"
OPERATIONS = "GFLOP a sample"
LIMIT = Goal("is how many more operations there are", WHOLE, CACHED, OPERATIONS)
GOALS = (Goal("on cached tokens at least 40 times as fast as end to end", WHOLE, CACHED, UNIT, least=40, limit=LIMIT),)
BATCH = 4
CPU = torch.device("cpu")


def available() -> str | None:
    return None


@contextmanager
def setup(folder: Path, quick: bool) -> Iterator[Contenders]:
    few, many = (1, 2) if quick else (4, 28)
    store = write_store(folder / "benchmark.h5", many)
    tokens = encode(Encoding(store.path, "face", parse_spec(SWIN.format(frozen="true")), (), "cpu", 2), folder)
    eeg = Stream(store.source("eeg"), None, many)
    whole = Inputs({"eeg": eeg, "face": Stream(store.source("face"), None, many)})
    cached = Inputs({"eeg": eeg, "face": Stream(ArraySource(tokens, "face"), None, many)})
    swin = make_swin(frozen=True)
    contenders = {
        CACHED: trainer(make_model([], swin), cached, store, many),
        WHOLE: trainer(make_model([make_swin(frozen=False)], swin), whole, store, few),
    }
    about = (
        f"one epoch of Milmer at its published size over simulated samples of 10 pictures of 224 px and EEG (32, 384), "
        f"batches of {BATCH}, one sample for validation: {many} samples on tokens of a frozen Swin-tiny, {few} where "
        "it is trained, too; random weights"
    )
    yield Contenders(contenders, check, about)


def trainer(model: Model, inputs: Inputs, store: Store, n: int) -> Callable[[], Measured]:
    """A contender that trains a copy of a model on ``n`` samples; returns the logits before training."""
    labels = store.labels("quadrant")
    fold = Fold("0", np.arange(n), np.arange(1), np.arange(0))
    before = predict(model, inputs, np.arange(min(n, 2)), CPU)
    training = Training(epochs=1, batch_size=BATCH, lr=1e-4)
    operations = count_operations(deepcopy(model), inputs, labels)

    def train() -> Measured:
        copy = deepcopy(model)
        done = measure(lambda: fit(copy, inputs, fold, labels, training, seed=0, device=CPU))
        return Measured({UNIT: done.figures["s"] / n, OPERATIONS: operations}, before)

    return train


def count_operations(model: Model, inputs: Inputs, labels: NDArray[np.int64]) -> float:
    """Floating-point operations of one step of training, forwards and backwards, in 10⁹ per sample."""
    rows = np.arange(BATCH) % len(labels)
    tokens, target = inputs.batch(rows, CPU), torch.from_numpy(labels[rows])
    # Attention as separate products, since fused attention is not counted.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        torch.nn.functional.cross_entropy(model.train()(tokens), target).backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    return float(counter.get_total_flops()) / BATCH / 1e9


def check(results: Mapping[str, Any]) -> None:
    """Check that cached tokens give the same logits before training."""
    n = min(map(len, results.values()))
    gap = np.abs(results[CACHED][:n] - results[WHOLE][:n]).max()
    if not gap <= 1e-4:
        raise ResultsDiffer(f"logits before training differ by {gap:.1e}")
