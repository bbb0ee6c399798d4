"""Sources of instances of a prepared file that lie one after another: images, texts, audio, videos, time series."""

import io
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Modality
from mmbench.data.samples.audio import decode_waveform
from mmbench.data.samples.bag import has_arrays
from mmbench.data.sources import ArraySource, Rows, Source, check_modality, map_dataset, open_prepared
from mmbench.errors import DataError
from mmbench.storage import ChecksummedFile, find_hdf5_dataset

Lengths = NDArray[np.int64]


def open_source(path: Path, modality: Modality) -> Source:
    """The source of a modality of a prepared file."""
    if has_arrays(modality):
        return ArraySource(path, modality.name)
    sources: dict[str, type[InstanceSource]] = {
        "image": ImageSource,
        "video": VideoSource,
        "text": TextSource,
        "audio": AudioSource,
        "timeseries": SeriesSource,
    }
    return sources[modality.kind](path, modality)


class InstanceSource:
    """Instances that are memory-mapped one by one; absent ones are zero.

    Raises DamagedError, on opening or when bytes are first read, where they changed after they were written.
    """

    dtype: np.dtype[Any] = np.dtype(np.float32)

    def __init__(self, path: Path, modality: Modality) -> None:
        self.path, self.modality = path, modality
        checked = ChecksummedFile(path)
        with open_prepared(path) as file:
            at = f"modalities/{modality.name}"
            marks = find_hdf5_dataset(file, f"{at}/present", ("bool",), (None, modality.instances))
            self.present: NDArray[np.bool_] = marks[()]
            check_modality(file, modality, len(self.present))
            self.offsets: NDArray[np.int64] = file[f"{at}/offsets"][()]
            self._data, self._checked = map_dataset(checked, file[f"{at}/{'x' if 'x' in file[at] else 'bytes'}"])
            self.lengths: Lengths | None = self._find_lengths(file[at]) if modality.is_open else None

    def read(self, rows: Rows) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Values ``(n, K, ...)`` and presence ``(n, K)`` of some rows.

        Where instances differ in length, values are padded with zeros to the longest of these rows, and to one step at
        least.
        """
        present = self.present[rows]
        length = 1 if self.lengths is None else max(int(self.lengths[rows].max(initial=1)), 1)
        x = np.zeros((*present.shape, *self._shape(length)), dtype=self.dtype)
        for index, instance in np.argwhere(present):
            self._read_into(x[index, instance], int(rows[index]) * self.modality.instances + int(instance))
        return x, present

    def coded(self, row: int) -> list[bytes]:
        """The stored bytes of the K instances of a row; none where one is absent. Equal instances have equal bytes."""
        first = row * self.modality.instances
        return [self._piece(position).tobytes() for position in range(first, first + self.modality.instances)]

    def _find_lengths(self, group: h5py.Group) -> Lengths:
        return np.diff(self.offsets).reshape(self.present.shape)

    def _shape(self, length: int) -> tuple[int, ...]:
        """The shape of an instance, with ``length`` for its open axis."""
        return tuple(length if each is None else each for each in self.modality.shape)

    def _read_into(self, x: NDArray[Any], position: int) -> None:
        """Write the instance at ``position`` (row · K + instance) into ``x``, which is zero."""
        raise NotImplementedError

    def _piece(self, position: int) -> NDArray[Any]:
        return self._elements(*self.offsets[position : position + 2].tolist())

    def _elements(self, start: int, stop: int) -> NDArray[Any]:
        if self._checked:
            size = self._data.itemsize
            self._checked.check(iter([(start * size, stop * size)]))
        piece: NDArray[Any] = self._data[start:stop]
        return piece

    def _damaged(self, position: int, reason: object) -> DataError:
        row, instance = divmod(position, self.modality.instances)
        return DataError(
            f"{self.modality.kind} {instance} of {self.modality.name} in sample {row} cannot be decoded ({reason})",
            where=self.path,
            remedy="fix or remove the file in the dataset and prepare it again",
        )

    def _decode_image(self, coded: bytes, position: int) -> NDArray[np.uint8]:
        """The pixels ``(3, H, W)`` of an image or frame."""
        from PIL import Image

        try:
            with Image.open(io.BytesIO(coded)) as image:
                colours = image if image.mode == "RGB" else image.convert("RGB")
                pixels = np.asarray(colours, dtype=np.uint8).transpose(2, 0, 1)
        except Exception as error:  # Pillow raises errors of many classes
            raise self._damaged(position, error) from error
        if pixels.shape != self.modality.shape[-3:]:
            raise DataError(
                f"an image of {self.modality.name} is {pixels.shape}, not {self.modality.shape[-3:]}", where=self.path
            )
        return pixels


class SeriesSource(InstanceSource):
    """Time series of open length, float32 ``(n, K, channels, T)``."""

    def _find_lengths(self, group: h5py.Group) -> Lengths:
        return super()._find_lengths(group) // (self.modality.shape[0] or 1)

    def _read_into(self, x: NDArray[Any], position: int) -> None:
        series = self._piece(position).reshape(len(x), -1)
        x[:, : series.shape[1]] = series


class TextSource(InstanceSource):
    """Texts as UTF-8, uint8 ``(n, K, T)``; their lengths are in bytes."""

    dtype = np.dtype(np.uint8)

    def _shape(self, length: int) -> tuple[int, ...]:
        return (length,)

    def _read_into(self, x: NDArray[Any], position: int) -> None:
        text = self._piece(position)
        x[: len(text)] = text


class AudioSource(InstanceSource):
    """Waveforms, float32 ``(n, K, channels, T)``."""

    def __init__(self, path: Path, modality: Modality) -> None:
        super().__init__(path, modality)
        with open_prepared(path) as file:
            self._n_samples: Lengths = file[f"modalities/{modality.name}/lengths"][()].ravel()

    def _find_lengths(self, group: h5py.Group) -> Lengths:
        lengths: Lengths = group["lengths"][()]
        return lengths

    def _read_into(self, x: NDArray[Any], position: int) -> None:
        length = int(self._n_samples[position])
        try:
            x[:, :length] = decode_waveform(self._piece(position).tobytes(), (len(x), length))
        except ValueError as error:
            raise self._damaged(position, error) from error


class ImageSource(InstanceSource):
    """JPEG or PNG images, decoded to uint8 RGB ``(n, K, 3, H, W)``."""

    dtype = np.dtype(np.uint8)

    def _read_into(self, x: NDArray[Any], position: int) -> None:
        x[:] = self._decode_image(self._piece(position).tobytes(), position)


class VideoSource(InstanceSource):
    """Videos, their frames decoded to uint8 RGB ``(n, K, F, 3, H, W)``."""

    dtype = np.dtype(np.uint8)

    def __init__(self, path: Path, modality: Modality) -> None:
        super().__init__(path, modality)
        with open_prepared(path) as file:
            at = f"modalities/{modality.name}"
            self._frames: NDArray[np.int64] = file[f"{at}/frames"][()]
            self._times: NDArray[np.float64] = file[f"{at}/times"][()]

    def times(self, row: int) -> list[NDArray[np.float64]]:
        """The times of the frames of the K clips of a row, in seconds; empty where one is absent."""
        first = row * self.modality.instances
        offsets = self.offsets[first : first + self.modality.instances + 1]
        return [self._times[start:stop] for start, stop in pairwise(offsets)]

    def _piece(self, position: int) -> NDArray[Any]:
        start, stop = self.offsets[position : position + 2]
        return self._elements(int(self._frames[start]), int(self._frames[stop]))

    def _read_into(self, x: NDArray[Any], position: int) -> None:
        first, last = self.offsets[position : position + 2].tolist()
        for at in range(first, last):
            coded = self._elements(*self._frames[at : at + 2].tolist()).tobytes()
            x[at - first] = self._decode_image(coded, position)
