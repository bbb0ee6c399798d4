"""White noise on raw instances at a signal-to-noise ratio in dB."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Kind
from mmbench.data.sources import Rows, Source
from mmbench.data.standardize import find_moments
from mmbench.data.store import Store
from mmbench.storage import named_generator

SNRS_DB = (20, 10, 0, -10)
_OVER: Mapping[Kind, tuple[int, ...]] = {"timeseries": (-1,), "image": (-2, -1)}


class Noise:
    """The noise of one modality: for each sample the same in every fold, for every method and seed.

    At 0 dB it has the variance of the signal: for a time series, of each channel of the instance; for an image, of each
    colour of the image; for a vector, of each feature over all samples.
    """

    def __init__(self, store: Store, name: str) -> None:
        self.ids = store.ids
        self.modality = store.schema.modality(name)
        self._spread = None if self.modality.kind in _OVER else _find_spread(store.path, name)

    def draw(self, x: NDArray[Any], rows: Rows) -> NDArray[np.float32]:
        """Noise of 0 dB for the bags ``(n, K, *shape)`` of some rows."""
        shape = (self.modality.instances, *self.modality.shape)
        names = self.ids[rows].tolist()
        draws = [
            named_generator("noise", self.modality.name, name).standard_normal(shape, np.float32) for name in names
        ]
        scaled: NDArray[np.float32] = np.stack(draws) * self._std(x)
        return scaled

    def _std(self, x: NDArray[Any]) -> NDArray[np.float32]:
        if self._spread is not None:
            return self._spread
        std: NDArray[np.float32] = x.std(axis=_OVER[self.modality.kind], keepdims=True, dtype=np.float32)
        return std


class NoisySource:
    """Raw instances with noise at the ratio ``snr_db``."""

    def __init__(self, source: Source, noise: Noise, snr_db: float) -> None:
        self.source, self.noise, self.snr_db = source, noise, snr_db
        self.lengths = source.lengths

    def read(self, rows: Rows) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Values ``(n, K, ...)`` and presence ``(n, K)`` of some rows."""
        x, present = self.source.read(rows)
        return add_noise(x, present, self.noise.draw(x, rows), self.snr_db), present


def add_noise(x: NDArray[Any], present: NDArray[np.bool_], noise: NDArray[np.float32], snr_db: float) -> NDArray[Any]:
    """Bags with ``noise``, drawn for 0 dB, scaled to ``snr_db``; absent instances are unchanged, pixels 0-255."""
    noisy = x + noise * np.float32(10 ** (-snr_db / 20))
    if np.issubdtype(x.dtype, np.integer):
        noisy = np.rint(noisy).clip(0, 255)
    noisy[~present] = x[~present]
    converted: NDArray[Any] = noisy.astype(x.dtype)
    return converted


@lru_cache(maxsize=16)
def _find_spread(path: Path, name: str) -> NDArray[np.float32]:
    store = Store(path)
    return find_moments(store.source(name), np.arange(len(store)), over_time=False)[1].astype(np.float32)
