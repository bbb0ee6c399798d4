"""From DEAP's files to a store of windows, against TorchEEG's DEAPDataset with lmdb.

A dataset is usually prepared by a new process, so this is timed, with each library's default number of workers. In
addition, both are timed in a process that has imported everything, with one worker per core.

TorchEEG computes no checksums. The work that verified preparation cannot avoid is timed separately: hashing and reading
the files, cutting the windows, writing them and computing their checksums once.
"""

import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from timing import Contenders, Goal, Measured, ResultsDiffer, measure, missing

from mmbench.data.preparation import prepare
from mmbench.data.store import Store
from mmbench.storage.hashing import file_digest
from mmbench.storage.processes import map_in_threads
from mmbench_datasets.deap.layout import PYTHON_FOLDER
from mmbench_datasets.shared.array_pickle import load_pickle
from speed.deap_files import CHANNELS, DATASET, TIMES, preparation, simulate, torcheeg_dataset

NAME = "preparing"
TITLE = "preparing DEAP"
SHELL, SCRIPT = "mmbench data prepare, a process", "TorchEEG with lmdb, a process"
OURS, THEIRS, LEAST = "mmbench, loaded", "TorchEEG with lmdb, loaded", "hashed, read, cut, written and summed, no more"
LIMIT = Goal("for hashing and reading files, cutting, writing and summing windows alone", THEIRS, LEAST)
GOALS = (
    Goal("at least 3 times as fast as TorchEEG with lmdb, a process from start to end", SCRIPT, SHELL, least=3),
    Goal("the same in processes that have loaded everything", THEIRS, OURS, least=3, limit=LIMIT),
)
N_COMPARED = 50  # windows
BLOCK = 1 << 20  # bytes per checksum


def available() -> str | None:
    return missing("torcheeg", "lmdb")


@contextmanager
def setup(folder: Path, quick: bool) -> Iterator[Contenders]:
    subjects = 1 if quick else 4
    cores = len(os.sched_getaffinity(0))
    root = folder / "deap"
    simulate(root, subjects)

    def shell() -> Measured:
        cache = empty(folder / "shell")
        where = ["--data", str(root), "--cache", str(cache)]
        done = measure(lambda: run_python("-m", "mmbench", "data", "prepare", DATASET, *where))
        return Measured(done.figures, Store(*cache.glob("prepared/*.h5")))

    def script() -> Measured:
        store = empty(folder / "script")
        done = measure(lambda: run_python("-m", "speed.deap_files", str(root), str(store)))
        return Measured(done.figures, torcheeg_dataset(root, store, "lmdb", 0))

    def ours() -> Any:
        return prepare(preparation(root, empty(folder / "cache")), cores)

    def theirs() -> Any:
        return torcheeg_dataset(root, empty(folder / "torcheeg"), "lmdb", cores)

    def least() -> Any:
        files = sorted((root / PYTHON_FOLDER).iterdir())
        return list(map_in_threads(lambda file: cut_once(file, folder / f"{file.name}.windows"), files, cores))

    about = (
        f"{subjects} simulated people of 40 trials, 20 windows (32, 384) each, checksums of files and store included"
    )
    yield Contenders({SHELL: shell, SCRIPT: script, OURS: ours, THEIRS: theirs, LEAST: least}, check, about)


def empty(folder: Path) -> Path:
    """Delete a folder and return its path."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def run_python(*arguments: str) -> None:
    """Run Python in a new process."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-W", "ignore", *arguments], check=True, capture_output=True, env=environment)


def cut_once(path: Path, target: Path) -> int:
    """Write the windows of a person and return their number."""
    file_digest(path)
    trials = load_pickle(path)["data"]
    signals = trials[:, :CHANNELS, TIMES:]  # without the baseline, which has the length of a window
    cut = signals.reshape(len(trials), CHANNELS, -1, TIMES).transpose(0, 2, 1, 3)
    windows = np.ascontiguousarray(cut, dtype=np.float32)
    with target.open("wb") as file:
        file.write(windows.data)
    for start in range(0, windows.nbytes, BLOCK):
        zlib.crc32(windows.reshape(-1).view(np.uint8)[start : start + BLOCK].data)
    target.unlink()
    return int(windows.shape[0] * windows.shape[1])


def check(results: Mapping[str, Any]) -> None:
    """Check that numbers of windows and their values agree."""
    for mine, peer in ((OURS, THEIRS), (SHELL, SCRIPT)):
        ours, theirs = results[mine], results[peer]
        if not len(ours) == len(theirs) == sum(results[LEAST]):
            raise ResultsDiffer(f"{len(ours)}, {len(theirs)} and {sum(results[LEAST])} windows")
        known = {window.tobytes() for window in ours.source("eeg").read(np.arange(len(ours)))[0][:, 0]}
        for index in np.linspace(0, len(theirs) - 1, N_COMPARED).astype(int):
            if theirs[int(index)][0].squeeze(0).numpy().astype(np.float32).tobytes() not in known:
                raise ResultsDiffer(f"window {index} of TorchEEG is not among ours")
