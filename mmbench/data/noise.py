"""White noise on raw instances at a signal-to-noise ratio in dB."""

from collections.abc import Mapping, Sequence
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
_OVER: Mapping[Kind, tuple[int, ...]] = {"timeseries": (-1,), "audio": (-1,), "image": (-2, -1), "video": (-2, -1)}
NOISE_OBSTACLES: Mapping[Kind, str] = {
    "text": "noise does not apply to text",
    "table": "noise does not apply to tables",
}
"""Why there is no noise for the kinds that are not measured signals; a diagnosis leaves them out for good."""


class Noise:
    """The noise of one modality: for each sample the same in every fold, for every method and seed.

    At 0 dB it has the variance of the signal: for a time series or audio, of each channel of the instance; for an
    image or a frame of a video, of each of its colours; for a vector, of each feature over all samples. Where instances
    differ in length, it covers their own steps or frames only. ValueError for those of `NOISE_OBSTACLES`.
    """

    def __init__(self, store: Store, name: str) -> None:
        self.ids = store.ids
        self.modality = store.schema.modality(name)
        if self.modality.kind in NOISE_OBSTACLES:
            raise ValueError(NOISE_OBSTACLES[self.modality.kind])
        self._spread = None if self.modality.kind in _OVER else _find_spread(store.path, name)
        self._lengths = store.source(name).lengths if self.modality.is_open else None

    def draw(self, x: NDArray[Any], rows: Rows) -> NDArray[np.float32]:
        """Noise of 0 dB for the bags ``(n, K, ...)`` of some rows."""
        names = self.ids[rows].tolist()
        generators = [named_generator("noise", self.modality.name, name) for name in names]
        if self._lengths is not None:
            return self._draw_open(x, self._lengths[rows], generators)
        shape = (self.modality.instances, *self.modality.fixed_shape)
        draws = [generator.standard_normal(shape, np.float32) for generator in generators]
        scaled: NDArray[np.float32] = np.stack(draws) * self._std(x)
        return scaled

    def _draw_open(
        self, x: NDArray[Any], lengths: NDArray[np.int64], generators: Sequence[np.random.Generator]
    ) -> NDArray[np.float32]:
        """Noise for instances of these lengths ``(n, K)``, zero beyond them: padding has no part in it."""
        noise = np.zeros(x.shape, dtype=np.float32)
        axis = self.modality.shape.index(None)
        for bag, drawn, own, generator in zip(x, noise, lengths.tolist(), generators, strict=True):
            for instance, into, length in zip(bag, drawn, own, strict=True):
                if length:
                    there = (slice(None),) * axis + (slice(length),)
                    signal = instance[there]
                    into[there] = generator.standard_normal(signal.shape, np.float32) * self._std(signal)
        return noise

    def _std(self, x: NDArray[Any]) -> NDArray[np.float32]:
        if self._spread is not None:
            return self._spread
        std: NDArray[np.float32] = x.std(axis=_OVER[self.modality.kind], keepdims=True, dtype=np.float32)
        return std


class NoisySource:
    """Raw instances with noise at the ratio ``snr_db``."""

    def __init__(self, source: Source, noise: Noise, snr_db: float) -> None:
        self.source, self.noise, self.snr_db = source, noise, snr_db

    @property
    def lengths(self) -> NDArray[np.int64] | None:
        """The lengths of all instances ``(N, K)``; None where all have the same."""
        return self.source.lengths

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
