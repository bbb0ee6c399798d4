"""From DEAP's files to a store of windows, against TorchEEG's DEAPDataset with lmdb.

A dataset is prepared once, by a process that starts for it: so it is timed, each with its own number of workers. Apart
from that, both are called again and again in one process that has loaded all it needs, with a worker a core.

TorchEEG looks at no checksum. What nobody can leave out who knows what a store was made from, and whether it still is
what was written, is timed apart: hashing the files, reading them, cutting the windows, writing and summing them once.
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
from racing import Differs, Field, Goal, Measured, measure, missing

from mmbench.data.preparation import prepare
from mmbench.data.store import Store
from mmbench.storage.hashing import file_digest
from mmbench.storage.processes import map_in_threads
from mmbench_datasets.deap.array_pickle import load_pickle
from mmbench_datasets.deap.layout import PYTHON_FOLDER
from races.deap_files import CHANNELS, DATASET, TIMES, preparation, simulate, torcheeg_dataset

NAME = "preparing"
TITLE = "preparing DEAP"
SHELL, SCRIPT = "mmbench data prepare, a process", "TorchEEG with lmdb, a process"
OURS, THEIRS, LEAST = "mmbench, loaded", "TorchEEG with lmdb, loaded", "hashed, read, cut, written and summed, no more"
LIMIT = Goal("for hashing and reading files, cutting, writing and summing windows alone", THEIRS, LEAST)
GOALS = (
    Goal("at least 3 times as fast as TorchEEG with lmdb, a process from start to end", SCRIPT, SHELL, least=3),
    Goal("the same in processes that have loaded everything", THEIRS, OURS, least=3, limit=LIMIT),
)
LOOKED_AT = 50  # windows
BLOCK = 1 << 20  # bytes that have a checksum


def available() -> str | None:
    return missing("torcheeg", "lmdb")


@contextmanager
def enter(folder: Path, quick: bool) -> Iterator[Field]:
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
        done = measure(lambda: run_python("-m", "races.deap_files", str(root), str(store)))
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
    yield Field({SHELL: shell, SCRIPT: script, OURS: ours, THEIRS: theirs, LEAST: least}, check, about)


def empty(folder: Path) -> Path:
    """A folder that is not there yet."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def run_python(*arguments: str) -> None:
    """A process from start to end."""
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-W", "ignore", *arguments], check=True, capture_output=True, env=here)


def cut_once(path: Path, target: Path) -> int:
    """Write the windows of a person and tell their number."""
    file_digest(path)
    trials = load_pickle(path)["data"]
    signals = trials[:, :CHANNELS, TIMES:]  # without the baseline, which is as long as a window
    cut = signals.reshape(len(trials), CHANNELS, -1, TIMES).transpose(0, 2, 1, 3)
    windows = np.ascontiguousarray(cut, dtype=np.float32)
    with target.open("wb") as file:
        file.write(windows.data)
    for start in range(0, windows.nbytes, BLOCK):
        zlib.crc32(windows.reshape(-1).view(np.uint8)[start : start + BLOCK].data)
    target.unlink()
    return windows.shape[0] * windows.shape[1]


def check(results: Mapping[str, Any]) -> None:
    """The same number of windows, and the same windows."""
    for mine, peer in ((OURS, THEIRS), (SHELL, SCRIPT)):
        ours, theirs = results[mine], results[peer]
        if not len(ours) == len(theirs) == sum(results[LEAST]):
            raise Differs(f"{len(ours)}, {len(theirs)} and {sum(results[LEAST])} windows")
        known = {window.tobytes() for window in ours.source("eeg").read(np.arange(len(ours)))[0][:, 0]}
        for index in np.linspace(0, len(theirs) - 1, LOOKED_AT).astype(int):
            if theirs[int(index)][0].squeeze(0).numpy().astype(np.float32).tobytes() not in known:
                raise Differs(f"window {index} of TorchEEG is none of ours")
