"""From DEAP's files to a store of windows, against TorchEEG's DEAPDataset with lmdb; both in a process a core.

TorchEEG looks at no checksum. That of the files, by which the store is named and found again, is timed apart: it is
the least that anybody takes who knows what the store was made from.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from racing import Differs, Field, Goal, missing

from mmbench.hashing import file_digest
from mmbench.prepare import prepare
from mmbench.workers import in_threads
from mmbench_datasets.deap.layout import PYTHON_FOLDER
from races.deap_files import preparation, simulate, torcheeg_dataset

NAME = "preparing"
TITLE = "preparing DEAP"
OURS, THEIRS, SUMS = "mmbench", "TorchEEG, lmdb", "SHA-256 of the files alone"
LIMIT = Goal("for the checksums of the files alone", THEIRS, SUMS)
GOALS = (Goal("at least 3 times as fast as TorchEEG with lmdb", THEIRS, OURS, least=3, limit=LIMIT),)
LOOKED_AT = 50  # windows


def available() -> str | None:
    return missing("torcheeg", "lmdb")


@contextmanager
def enter(folder: Path, quick: bool) -> Iterator[Field]:
    subjects = 1 if quick else 4
    cores = len(os.sched_getaffinity(0))
    root, cache, store = folder / "deap", folder / "cache", folder / "torcheeg"
    simulate(root, subjects)

    def ours() -> Any:
        shutil.rmtree(cache, ignore_errors=True)
        return prepare(preparation(root, cache), cores)

    def theirs() -> Any:
        shutil.rmtree(store, ignore_errors=True)
        return torcheeg_dataset(root, store, "lmdb", cores)

    def sums() -> Any:
        files = sorted((root / PYTHON_FOLDER).iterdir())
        return list(in_threads(file_digest, files))

    about = (
        f"{subjects} simulated people of 40 trials, 20 windows (32, 384) each, checksums of files and store included"
    )
    yield Field({OURS: ours, THEIRS: theirs, SUMS: sums}, check, about)


def check(results: Mapping[str, Any]) -> None:
    """The same number of windows, and the same windows."""
    ours, theirs = results[OURS], results[THEIRS]
    if len(ours) != len(theirs):
        raise Differs(f"{len(ours)} windows and {len(theirs)}")
    mine, _ = ours.source("eeg").read(np.arange(len(ours)))
    known = {window.tobytes() for window in mine[:, 0]}
    for index in np.linspace(0, len(theirs) - 1, LOOKED_AT).astype(int):
        if theirs[int(index)][0].squeeze(0).numpy().astype(np.float32).tobytes() not in known:
            raise Differs(f"window {index} of TorchEEG is none of ours")
