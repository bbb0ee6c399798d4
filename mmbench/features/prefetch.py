"""Prefetch: samples are read by other processes into shared memory, since Python decodes images on one core."""

import os
import shutil
import tempfile
from collections.abc import Generator, Sequence
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmbench.data import Rows, Source, Store
from mmbench.errors import WorkerError
from mmbench.storage import map_in_order

_SHARED_MEMORY = Path("/dev/shm")
InstanceBatch = tuple[NDArray[Any], NDArray[np.bool_]]


class RawInstances(NamedTuple):
    """Instances of a modality of a prepared file, with noise of ``snr_db`` dB where given."""

    store: Path
    modality: str
    snr_db: int | None = None

    def open(self) -> Source:
        """Open their source."""
        store = Store(self.store)
        source = store.source(self.modality)
        if self.snr_db is None:
            return source
        from mmbench.data import Noise, NoisySource  # imports torch, which a decoder does not need

        return NoisySource(source, Noise(store, self.modality), self.snr_db)


def read_ahead(raw: RawInstances, parts: Sequence[Rows], jobs: int) -> Generator[InstanceBatch, None, None]:
    """Values ``(n, K, ...)`` and presence ``(n, K)`` of parts of the samples, in order, read by ``jobs`` processes.

    Values are overwritten when the next part is requested. Raises WorkerError if a process was killed.
    """
    from joblib.externals.loky import ProcessPoolExecutor

    x, _ = raw.open().read(parts[0][:1])
    n_slots = jobs + 1  # parts that wait, and the one in use
    shape = (n_slots, max(map(len, parts)), *x.shape[1:])
    with tempfile.TemporaryDirectory(prefix="mmbench-", dir=_find_shared_memory(x.itemsize * prod(shape))) as folder:
        slots = np.memmap(Path(folder) / "slots", dtype=x.dtype, mode="w+", shape=shape)
        tasks = [(raw, rows, Path(folder) / "slots", shape, x.dtype, at % n_slots) for at, rows in enumerate(parts)]
        with ProcessPoolExecutor(jobs) as pool:
            try:
                for at, present in enumerate(map_in_order(pool, _read_into, tasks, jobs)):
                    yield slots[at % n_slots, : len(present)], present
            except BrokenProcessPool as error:
                raise WorkerError(
                    "a process that prefetches samples died, perhaps because memory ran out",
                    where=raw.store,
                    remedy="run the same command again with fewer --jobs: finished blocks are kept",
                ) from error
            finally:
                pool.shutdown(wait=True, kill_workers=True)


def _find_shared_memory(n_bytes: int) -> Path | None:
    """A file system in memory with enough space; None for the default folder of temporary files."""
    return (
        _SHARED_MEMORY
        if os.access(_SHARED_MEMORY, os.W_OK) and shutil.disk_usage(_SHARED_MEMORY).free > 2 * n_bytes
        else None
    )


def _read_into(task: tuple[RawInstances, Rows, Path, tuple[int, ...], np.dtype[Any], int]) -> NDArray[np.bool_]:
    raw, rows, path, shape, dtype, slot = task
    present: NDArray[np.bool_]
    slots = np.memmap(path, dtype=dtype, mode="r+", shape=shape)
    slots[slot, : len(rows)], present = _open(raw).read(rows)
    return present


@lru_cache(maxsize=1)
def _open(raw: RawInstances) -> Source:
    return raw.open()
