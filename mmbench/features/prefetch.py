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

from mmbench.data import Rows, Source, Store, find_row_size
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

    source = raw.open()
    n_slots = jobs + 1  # parts that wait, and the one in use
    size = max(find_row_size(source, rows) * len(rows) for rows in parts if len(rows))
    with tempfile.TemporaryDirectory(prefix="mmbench-", dir=_find_shared_memory(n_slots * size)) as folder:
        path = Path(folder) / "slots"
        slots = np.memmap(path, dtype=np.uint8, mode="w+", shape=(n_slots, size))
        tasks = [(raw, rows, path, (n_slots, size), at % n_slots) for at, rows in enumerate(parts)]
        with ProcessPoolExecutor(jobs) as pool:
            try:
                for at, (shape, dtype, present) in enumerate(map_in_order(pool, _read_into, tasks, jobs)):
                    n_bytes = prod(shape) * dtype.itemsize
                    yield slots[at % n_slots, :n_bytes].view(dtype).reshape(shape), present
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


def _read_into(
    task: tuple[RawInstances, Rows, Path, tuple[int, int], int],
) -> tuple[tuple[int, ...], np.dtype[Any], NDArray[np.bool_]]:
    """Write the values of a part into its slot; returns their shape and type, and presence."""
    raw, rows, path, shape, slot = task
    x, present = _open(raw).read(rows)
    slots = np.memmap(path, dtype=np.uint8, mode="r+", shape=shape)
    slots[slot, : x.nbytes] = np.ascontiguousarray(x).reshape(-1).view(np.uint8)
    return x.shape, x.dtype, present


@lru_cache(maxsize=1)
def _open(raw: RawInstances) -> Source:
    return raw.open()
