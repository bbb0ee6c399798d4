"""The prepared file: one HDF5 file that holds every sample of a dataset, and how it is written and read."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from mmbench.errors import DataError
from mmbench.files import check_room
from mmbench.samples import inference, presence
from mmbench.types import Modality, Sample, Schema

FORMAT = 2
_INDEX = 1 << 16  # bytes for ids, labels and what HDF5 needs for itself, about
Rows = NDArray[np.int64]


class Source(Protocol):
    """Instances of one modality by row: raw ones, or tokens."""

    def read(self, rows: Rows) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Values ``(n, K, ...)`` and presence ``(n, K)`` of some rows."""


def write_samples(path: Path, samples: Sequence[Sample], schema: Schema, attributes: Mapping[str, Any]) -> None:
    """Write samples into a new HDF5 file."""
    check_room(path, sum(_size(sample) for sample in samples) + _INDEX)
    with h5py.File(path, "w") as file:
        _write_index(file, samples, schema)
        for modality in schema.modalities:
            group = file.create_group(f"modalities/{modality.name}")
            present = np.zeros((len(samples), modality.instances), dtype=bool)
            for row, sample in enumerate(samples):
                present[row] = presence(sample, modality)
            group["present"] = present
            marks = [inference(sample, modality) for sample in samples]
            group["inferred"] = np.array(marks, dtype=bool).reshape(present.shape)
            if modality.kind == "image":
                _write_images(group, [sample.data.get(modality.name) for sample in samples], modality)
            else:
                _write_arrays(group, [sample.data.get(modality.name) for sample in samples], modality, present)
        seal(file, schema, attributes)


def _size(sample: Sample) -> int:
    """Bytes that the data of a sample take in the file."""
    arrays = (np.size(bag) * 4 for bag in sample.data.values() if isinstance(bag, np.ndarray))
    images = (len(item or b"") for bag in sample.data.values() if not isinstance(bag, np.ndarray) for item in bag)
    return sum(arrays) + sum(images)


def _write_index(file: h5py.File, samples: Sequence[Sample], schema: Schema) -> None:
    text = h5py.string_dtype()
    file.create_dataset("ids", data=[sample.id for sample in samples], dtype=text)
    for group in schema.groups:
        file.create_dataset(f"groups/{group}", data=[sample.groups[group] for sample in samples], dtype=text)
    for task in schema.tasks:
        file[f"labels/{task}"] = np.array([sample.labels.get(task, -1) for sample in samples], dtype=np.int64)
    spans = [sample.span or (np.nan, np.nan) for sample in samples]
    file["spans"] = np.array(spans, dtype=np.float64).reshape(-1, 2)


def _write_arrays(group: h5py.Group, bags: Sequence[Any], modality: Modality, present: NDArray[np.bool_]) -> None:
    shape = (modality.instances, *modality.shape)
    x = group.create_dataset("x", shape=(len(bags), *shape), dtype=np.float32)
    for row, bag in enumerate(bags):
        if bag is not None:
            values = np.array(bag, dtype=np.float32)
            values[~present[row]] = 0.0
            x[row] = values


def _write_images(group: h5py.Group, bags: Sequence[Any], modality: Modality) -> None:
    coded = [item or b"" for bag in bags for item in (bag if bag is not None else [None] * modality.instances)]
    group["bytes"] = np.frombuffer(b"".join(coded), dtype=np.uint8)
    group["offsets"] = np.cumsum([0, *map(len, coded)], dtype=np.int64)


def seal(file: h5py.File, schema: Schema, attributes: Mapping[str, Any]) -> None:
    """Write the attributes that only a finished file carries."""
    file.attrs["schema"] = json.dumps(asdict(schema))
    file.attrs["attributes"] = json.dumps(dict(attributes))
    file.attrs["format"] = FORMAT


def merge(path: Path, parts: Sequence[Path], schema: Schema, attributes: Mapping[str, Any]) -> None:
    """Join the files of the units into one, in order, without holding more than one unit in memory."""
    check_room(path, sum(part.stat().st_size for part in parts) + _INDEX)
    with h5py.File(path, "w") as file:
        opened = [h5py.File(part, "r") for part in parts]
        try:
            _merge_index(file, opened, schema)
            for modality in schema.modalities:
                _merge_modality(file, opened, modality)
        finally:
            for part in opened:
                part.close()
        seal(file, schema, attributes)


def _merge_index(file: h5py.File, parts: Sequence[h5py.File], schema: Schema) -> None:
    text = h5py.string_dtype()
    for name in ("ids", *(f"groups/{group}" for group in schema.groups)):
        file.create_dataset(name, data=np.concatenate([part[name][()] for part in parts]), dtype=text)
    for name in ("spans", *(f"labels/{task}" for task in schema.tasks)):
        file[name] = np.concatenate([part[name][()] for part in parts])


def _merge_modality(file: h5py.File, parts: Sequence[h5py.File], modality: Modality) -> None:
    groups = [part[f"modalities/{modality.name}"] for part in parts]
    merged = file.create_group(f"modalities/{modality.name}")
    for marks in ("present", "inferred"):
        merged[marks] = np.concatenate([group[marks][()] for group in groups])
    name = "bytes" if modality.kind == "image" else "x"
    total = sum(len(group[name]) for group in groups)
    joined = merged.create_dataset(name, shape=(total, *groups[0][name].shape[1:]), dtype=groups[0][name].dtype)
    start = 0
    for group in groups:
        stop = start + len(group[name])
        if stop > start:
            joined[start:stop] = group[name][()]
        start = stop
    if modality.kind == "image":
        lengths = np.concatenate([np.diff(group["offsets"][()]) for group in groups])
        merged["offsets"] = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


class Store:
    """A prepared dataset, opened for reading.

    ``ids`` and ``groups`` are arrays over all samples; arrays are memory-mapped, images decoded on demand. Labels are
    read each time they are asked for: while a model is trained, nobody's memory holds those of the test part.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with h5py.File(path, "r") as file:
                if file.attrs.get("format") != FORMAT:
                    raise OSError("it was not finished or is of another version")
                self.schema = _schema(json.loads(file.attrs["schema"]))
                self.attributes: dict[str, Any] = json.loads(file.attrs["attributes"])
                self.ids: NDArray[np.str_] = file["ids"].asstr()[()].astype(np.str_)
                self.groups = {name: file[f"groups/{name}"].asstr()[()].astype(np.str_) for name in self.schema.groups}
                self.spans: NDArray[np.float64] = file["spans"][()]
                for task in self.schema.tasks:
                    _ = file[f"labels/{task}"].shape
        except (OSError, KeyError, ValueError) as error:
            raise DataError(
                f"is not a whole prepared file ({error})", where=path, remedy="delete it; it is made again"
            ) from error

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def key(self) -> str:
        """Digest of everything the file was made from."""
        return str(self.attributes["key"])

    def labels(self, task: str) -> NDArray[np.int64]:
        """Class indices of a task, -1 where a sample is not labelled."""
        with h5py.File(self.path, "r") as file:
            labels: NDArray[np.int64] = file[f"labels/{task}"][()]
        return labels

    def source(self, name: str) -> Source:
        """The instances of one modality."""
        modality = self.schema.modality(name)
        return ImageSource(self.path, modality) if modality.kind == "image" else ArraySource(self.path, name)


def read_presence(path: Path, modality: str) -> NDArray[np.bool_]:
    """Which instances of a modality are there, bool ``(N, K)``."""
    with h5py.File(path, "r") as file:
        present: NDArray[np.bool_] = file[f"modalities/{modality}/present"][()]
    return present


def read_inferred(path: Path, modality: str) -> NDArray[np.bool_]:
    """Which instances of a modality were made at a guessed place, bool ``(N, K)``."""
    with h5py.File(path, "r") as file:
        inferred: NDArray[np.bool_] = file[f"modalities/{modality}/inferred"][()]
    return inferred


class ArraySource:
    """Arrays of the prepared file, or of a token file, mapped into memory."""

    def __init__(self, path: Path, modality: str) -> None:
        with h5py.File(path, "r") as file:
            group = file[f"modalities/{modality}"]
            self.present: NDArray[np.bool_] = group["present"][()]
            self.x = _mapped(path, group["x"])

    def read(self, rows: Rows) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Values ``(n, K, ...)`` and presence ``(n, K)`` of some rows."""
        return np.asarray(self.x[rows]), self.present[rows]


class ImageSource:
    """Coded images of the prepared file, decoded to uint8 RGB ``(n, K, 3, H, W)``."""

    def __init__(self, path: Path, modality: Modality) -> None:
        self.modality = modality
        self.path = path
        with h5py.File(path, "r") as file:
            group = file[f"modalities/{modality.name}"]
            self.present: NDArray[np.bool_] = group["present"][()]
            self.offsets: NDArray[np.int64] = group["offsets"][()]
            self.bytes = _mapped(path, group["bytes"])

    def read(self, rows: Rows) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Pixels ``(n, K, 3, H, W)`` and presence ``(n, K)`` of some rows; absent images are black."""
        present = self.present[rows]
        pixels = np.zeros((*present.shape, *self.modality.shape), dtype=np.uint8)
        for index, instance in np.argwhere(present):
            pixels[index, instance] = self._decode(int(rows[index]) * self.modality.instances + int(instance))
        return pixels, present

    def _decode(self, position: int) -> NDArray[np.uint8]:
        from PIL import Image

        start, stop = self.offsets[position], self.offsets[position + 1]
        try:
            with Image.open(io.BytesIO(self.bytes[start:stop].tobytes())) as image:
                pixels = np.asarray(image.convert("RGB"), dtype=np.uint8).transpose(2, 0, 1)
        except (OSError, SyntaxError) as error:
            raise DataError(
                f"image {position % self.modality.instances} of {self.modality.name} in sample "
                f"{position // self.modality.instances} cannot be decoded ({error})",
                where=self.path,
                remedy="mend the dataset's files and prepare them again",
            ) from error
        if pixels.shape != self.modality.shape:
            raise DataError(
                f"an image of {self.modality.name} is {pixels.shape}, not {self.modality.shape}", where=self.path
            )
        return pixels


def _mapped(path: Path, dataset: h5py.Dataset) -> NDArray[Any]:
    # Contiguous, uncompressed datasets lie in the file as they would in memory: mapping them costs nothing and
    # lets processes share the pages.
    offset = dataset.id.get_offset()
    if offset is None or dataset.size == 0:
        empty: NDArray[Any] = dataset[()]
        return empty
    return np.memmap(path, mode="r", dtype=dataset.dtype, shape=dataset.shape, offset=offset)


def _schema(plain: dict[str, Any]) -> Schema:
    modalities = tuple(
        Modality(**{**item, "shape": tuple(item["shape"]), "channels": tuple(item["channels"])})
        for item in plain["modalities"]
    )
    tasks = {task: tuple(classes) for task, classes in plain["tasks"].items()}
    return Schema(modalities, tasks, tuple(plain["groups"]))
