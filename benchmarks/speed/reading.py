"""An epoch over 3,200 windows (32, 384) in shuffled batches of 32, against TorchEEG's stores and a memory map."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from timing import Contenders, Goal, ResultsDiffer, missing
from torch import Tensor

from mmbench.data.batches import Inputs, Stream
from mmbench.data.preparation import prepare
from mmbench.data.store import Store
from speed.deap_files import preparation, simulate, torcheeg_dataset

NAME = "reading"
TITLE = "reading an epoch"
OURS, FIRST, PLAIN = "mmbench", "mmbench, opened anew", "NumPy memory map"
LMDB, PICKLE = "TorchEEG, lmdb", "TorchEEG, pickle"
GOALS = (
    Goal("at least 20 times as fast as TorchEEG's lmdb", LMDB, OURS, least=20),
    Goal("at least 20 times as fast as TorchEEG's pickles", PICKLE, OURS, least=20),
    Goal("at most 2 times a plain memory map", OURS, PLAIN, most=2),
)
BATCH = 32


def available() -> str | None:
    return missing("torcheeg", "lmdb")


@contextmanager
def setup(folder: Path, quick: bool) -> Iterator[Contenders]:
    from torch.utils.data import DataLoader

    torch.set_num_threads(1)  # as in each job of a run
    root = folder / "deap"
    simulate(root, 1 if quick else 4)
    store = prepare(preparation(root, folder / "cache"), 2)
    windows, _ = store.source("eeg").read(np.arange(len(store)))
    np.save(folder / "plain.npy", windows[:, 0])
    plain = np.load(folder / "plain.npy", mmap_mode="r")
    order = np.random.default_rng(0)

    def batches() -> list[Any]:
        rows = order.permutation(len(store))
        return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]

    def ours(inputs: Inputs) -> Iterator[Tensor]:
        return (inputs.batch(rows, torch.device("cpu"))["eeg"].x for rows in batches())

    def reopen() -> Inputs:
        opened = Store(store.path)
        return Inputs({"eeg": Stream(opened.source("eeg"), None, len(opened))})

    def theirs(mode: str) -> Callable[[], float]:
        dataset = torcheeg_dataset(root, folder / mode, mode, 2)
        loader = DataLoader(dataset, BATCH, shuffle=True)
        return lambda: sum_first(x for x, _ in loader)

    inputs = reopen()
    contenders = {
        OURS: lambda: sum_first(ours(inputs)),
        FIRST: lambda: sum_first(ours(reopen())),
        PLAIN: lambda: sum_first(torch.from_numpy(plain[rows]) for rows in batches()),
        LMDB: theirs("lmdb"),
        PICKLE: theirs("pickle"),
    }
    about = (
        f"{len(store)} windows (32, 384) of float32 in shuffled batches of 32, from files in memory; "
        "TorchEEG's through DEAPDataset and a DataLoader, as it documents; opened anew: with all checksums compared; "
        "one thread"
    )
    yield Contenders(contenders, check, about)


def sum_first(batches: Iterable[Tensor]) -> float:
    """Sum of the first value of every window, which shows that all were read."""
    total = 0.0
    for batch in batches:
        total += float(batch.flatten(1)[:, 0].double().sum())
    return total


def check(results: Mapping[str, Any]) -> None:
    """Check that every contender read every window."""
    sums = np.array(list(results.values()))
    if not np.allclose(sums, sums[0], rtol=1e-6, atol=1e-4):
        raise ResultsDiffer(f"sums over the windows differ: {dict(results)}")
