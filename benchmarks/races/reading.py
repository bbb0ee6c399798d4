"""One epoch over 3,200 windows of (32, 384) in shuffled batches of 32, against TorchEEG's stores and a memory map."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from racing import Differs, Field, Goal, missing
from torch import Tensor

from mmbench.data.batches import Inputs, Stream
from mmbench.data.preparation import prepare
from mmbench.data.store import Store
from races.deap_files import preparation, simulate, torcheeg_dataset

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
def enter(folder: Path, quick: bool) -> Iterator[Field]:
    from torch.utils.data import DataLoader

    torch.set_num_threads(1)  # as each job of a run has
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

    def open_anew() -> Inputs:
        opened = Store(store.path)
        return Inputs({"eeg": Stream(opened.source("eeg"), None, len(opened))})

    def theirs(mode: str) -> Callable[[], float]:
        dataset = torcheeg_dataset(root, folder / mode, mode, 2)
        loader = DataLoader(dataset, BATCH, shuffle=True)
        return lambda: look(x for x, _ in loader)

    inputs = open_anew()
    ways = {
        OURS: lambda: look(ours(inputs)),
        FIRST: lambda: look(ours(open_anew())),
        PLAIN: lambda: look(torch.from_numpy(plain[rows]) for rows in batches()),
        LMDB: theirs("lmdb"),
        PICKLE: theirs("pickle"),
    }
    about = (
        f"{len(store)} windows (32, 384) of float32 in shuffled batches of 32, from files in memory; "
        "TorchEEG's through DEAPDataset and a DataLoader, as it documents; opened anew: with all checksums compared; "
        "one thread"
    )
    yield Field(ways, check, about)


def look(batches: Iterable[Tensor]) -> float:
    """Take each batch, and its first number; the sum of these tells that all were there."""
    total = 0.0
    for batch in batches:
        total += float(batch.flatten(1)[:, 0].double().sum())
    return total


def check(results: Mapping[str, Any]) -> None:
    """Every competitor has seen every window."""
    sums = np.array(list(results.values()))
    if not np.allclose(sums, sums[0], rtol=1e-6, atol=1e-4):
        raise Differs(f"sums over the windows differ: {dict(results)}")
