"""The prepared file: one HDF5 file that holds every sample of a dataset, and how it is written and read."""

import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Modality, Sample, Schema
from mmbench.data.validation import check_schema, inference, presence
from mmbench.errors import DamagedError, DataError
from mmbench.storage import (
    HDF5_ERRORS,
    CheckedExtent,
    ChecksummedFile,
    Extent,
    check_free_space,
    check_printable,
    describe_parse_error,
    file_identity,
    find_hdf5_dataset,
    find_hdf5_texts,
    open_hdf5,
    parse_json,
    write_footer,
)

STORE_FORMAT = 3
INDEX = 1 << 16  # bytes for ids, labels and what HDF5 needs for itself, about
_TOGETHER = 1 << 22  # bytes of samples that are written at once
Rows = NDArray[np.int64]


class Source(Protocol):
    """Instances of one modality by row: raw ones, or tokens."""

    def read(self, rows: Rows) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Values ``(n, K, ...)`` and presence ``(n, K)`` of some rows."""


def write_samples(
    path: Path,
    samples: Sequence[Sample],
    schema: Schema,
    attributes: Mapping[str, Any],
    made_from: Mapping[str, Any] | None = None,
) -> None:
    """Write samples into a new HDF5 file; ``made_from`` is what its key is the digest of."""
    check_free_space(path, sum(_size(sample) for sample in samples) + INDEX)
    with open_hdf5(path, "w") as file:
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
        write_final_attributes(file, schema, attributes)
    add_checksums(path, "unit", made_from or {})


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
    step = max(1, _TOGETHER // (4 * math.prod(shape)))
    room = np.empty((min(step, len(bags)), *shape), dtype=np.float32)
    for start in range(0, len(bags), step):
        values = room[: len(bags) - start]
        for value, bag, here in zip(values, bags[start:], present[start:], strict=False):
            if here.all():
                value[:] = bag
            else:
                value[:] = 0
                value[here] = 0 if bag is None else np.asarray(bag)[here]
        x[start : start + len(values)] = values


def _write_images(group: h5py.Group, bags: Sequence[Any], modality: Modality) -> None:
    coded = [item or b"" for bag in bags for item in (bag if bag is not None else [None] * modality.instances)]
    group["bytes"] = np.frombuffer(b"".join(coded), dtype=np.uint8)
    group["offsets"] = np.cumsum([0, *map(len, coded)], dtype=np.int64)


def write_final_attributes(file: h5py.File, schema: Schema, attributes: Mapping[str, Any]) -> None:
    """Write the attributes that only a finished file carries."""
    file.attrs["schema"] = json.dumps(asdict(schema))
    file.attrs["attributes"] = json.dumps(dict(attributes))
    file.attrs["format"] = STORE_FORMAT


def add_checksums(path: Path, kind: str, made_from: Mapping[str, Any]) -> None:
    """Seal a file of samples or tokens that is written: what it was made from, and checksums."""
    with open_hdf5(path, "r") as file:
        datasets = [group.get("x", group.get("bytes")) for group in file["modalities"].values()]
        extents = [Extent(found.id.get_offset(), found.nbytes) for found in datasets if _is_mapped(found)]
    write_footer(path, kind, made_from, sorted(extents))


class Store:
    """A prepared dataset, opened for reading.

    ``ids`` and ``groups`` are arrays over all samples; arrays are memory-mapped, images decoded on demand. Labels are
    read each time they are asked for: while a model is trained, nobody's memory holds those of the test part.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._opened = ChecksummedFile(path).identity
            with open_hdf5(path, "r") as file:
                if file.attrs.get("format") != STORE_FORMAT:
                    raise OSError("it is incomplete or has another version")
                self.schema = check_schema(_schema(parse_json(file.attrs["schema"])), path.name)
                self.attributes: dict[str, Any] = _attributes(parse_json(file.attrs["attributes"]))
                self.ids: NDArray[np.str_] = find_hdf5_texts(file, "ids", None)
                self.groups = {name: find_hdf5_texts(file, f"groups/{name}", len(self)) for name in self.schema.groups}
                self.spans: NDArray[np.float64] = find_hdf5_dataset(file, "spans", ("float64",), (len(self), 2))[()]
                self._places = {task: _find_labels(file, task, len(self)).id.get_offset() for task in self.schema.tasks}
                for modality in self.schema.modalities:
                    _check_modality(file, modality, len(self))
            if len(set(self.ids.tolist())) < len(self):
                raise ValueError("two samples have one id")
            check_printable(self.ids.tolist(), *(values.tolist() for values in self.groups.values()))
        except (*HDF5_ERRORS, DataError) as error:
            why = error.message if isinstance(error, DataError) else describe_parse_error(error)
            raise DamagedError(
                f"is not a complete prepared file ({why})", where=path, remedy="delete it, and it is made again"
            ) from error

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def key(self) -> str:
        """Digest of everything the file was made from."""
        if not isinstance(key := self.attributes.get("key"), str):
            raise DamagedError("does not tell what it was made from", where=self.path, remedy="delete it")
        return key

    def labels(self, task: str) -> NDArray[np.int64]:
        """Class indices of a task, -1 where a sample is not labelled."""
        place = self._places.get(task)
        if place is not None and self.path.exists() and file_identity(self.path) == self._opened:
            # From where HDF5 has them: opening the file takes it longer than a small training.
            labels: NDArray[np.int64] = np.fromfile(self.path, dtype=np.int64, count=len(self), offset=place)
        else:
            with open_prepared(self.path) as file:
                labels = _find_labels(file, task, len(self))[()]
        if len(labels) and not -1 <= labels.min() <= labels.max() < len(self.schema.tasks[task]):
            raise DamagedError(f"has labels of {task} that are no class", where=self.path, remedy="delete it")
        return labels

    def source(self, name: str) -> Source:
        """The instances of one modality."""
        modality = self.schema.modality(name)
        return ImageSource(self.path, modality) if modality.kind == "image" else ArraySource(self.path, name)


def _find_labels(file: h5py.File, task: str, n: int) -> h5py.Dataset:
    return find_hdf5_dataset(file, f"labels/{task}", ("int64",), (n,))


def _check_modality(file: h5py.File, modality: Modality, n: int) -> None:
    """Raise ValueError unless what the file has of a modality fits the schema."""
    at, bag = f"modalities/{modality.name}", (n, modality.instances)
    for marks in ("present", "inferred"):
        find_hdf5_dataset(file, f"{at}/{marks}", ("bool",), bag)
    if modality.kind != "image":
        find_hdf5_dataset(file, f"{at}/x", ("float32",), (*bag, *modality.shape))
        return
    total = find_hdf5_dataset(file, f"{at}/bytes", ("uint8",), (None,)).size
    offsets = find_hdf5_dataset(file, f"{at}/offsets", ("int64",), (math.prod(bag) + 1,))[()]
    if offsets[0] != 0 or offsets[-1] != total or (np.diff(offsets) < 0).any():
        raise ValueError(f"the places of images of {modality.name} are none")


def _attributes(plain: Any) -> dict[str, Any]:
    if not isinstance(plain, dict) or not isinstance(plain.get("dropped", []), list):
        raise ValueError("its attributes are none")
    return plain


@contextmanager
def open_prepared(path: Path) -> Iterator[h5py.File]:
    """The file, open; DamagedError where it is no longer as it was when it was checked."""
    try:
        with open_hdf5(path, "r") as file:
            yield file
    except HDF5_ERRORS as error:
        raise DamagedError(
            f"changed while it was open ({error})", where=path, remedy="the next run makes it again"
        ) from error


def read_presence(path: Path, modality: str) -> NDArray[np.bool_]:
    """Which instances of a modality are there, bool ``(N, K)``."""
    with open_prepared(path) as file:
        present: NDArray[np.bool_] = find_hdf5_dataset(file, f"modalities/{modality}/present", ("bool",), (None, None))[
            ()
        ]
    return present


def read_inferred(path: Path, modality: str) -> NDArray[np.bool_]:
    """Which instances of a modality were made at a guessed place, bool ``(N, K)``."""
    with open_prepared(path) as file:
        inferred: NDArray[np.bool_] = find_hdf5_dataset(
            file, f"modalities/{modality}/inferred", ("bool",), (None, None)
        )[()]
    return inferred


def to_float32(x: NDArray[np.float16]) -> NDArray[np.float32]:
    """Halves as float32."""
    import torch  # which has the instructions for it

    wide: NDArray[np.float32] = torch.from_numpy(x).float().numpy()
    return wide


class ArraySource:
    """Arrays of the prepared file, or of a token file, mapped into memory; what was kept as halves is read as float32.

    Raises DamagedError where bytes have changed since they were written, here or when they are first read.
    """

    def __init__(self, path: Path, modality: str) -> None:
        checked = ChecksummedFile(path)
        with open_prepared(path) as file:
            marks = find_hdf5_dataset(file, f"modalities/{modality}/present", ("bool",), (None, None))
            self.present: NDArray[np.bool_] = marks[()]
            rank = file[f"modalities/{modality}/x"].ndim - 2
            shape = (*self.present.shape, *[None] * rank)
            self.x, self._checked = _mapped(
                checked, find_hdf5_dataset(file, f"modalities/{modality}/x", ("float32", "float16"), shape)
            )
        self._size = self.x.itemsize * math.prod(self.x.shape[1:])

    def read(self, rows: Rows) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Values ``(n, K, ...)`` and presence ``(n, K)`` of some rows."""
        if self._checked:
            self._checked.check((int(row) * self._size, (int(row) + 1) * self._size) for row in rows)
        x = np.asarray(self.x[rows])
        return to_float32(x) if x.dtype == np.float16 else x, self.present[rows]


class ImageSource:
    """Coded images of the prepared file, decoded to uint8 RGB ``(n, K, 3, H, W)``."""

    def __init__(self, path: Path, modality: Modality) -> None:
        self.modality = modality
        self.path = path
        checked = ChecksummedFile(path)
        with open_prepared(path) as file:
            at = f"modalities/{modality.name}"
            marks = find_hdf5_dataset(file, f"{at}/present", ("bool",), (None, modality.instances))
            self.present: NDArray[np.bool_] = marks[()]
            _check_modality(file, modality, len(self.present))
            self.offsets: NDArray[np.int64] = file[f"{at}/offsets"][()]
            self.bytes, self._checked = _mapped(checked, file[f"{at}/bytes"])

    def read(self, rows: Rows) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Pixels ``(n, K, 3, H, W)`` and presence ``(n, K)`` of some rows; absent images are black."""
        present = self.present[rows]
        pixels = np.zeros((*present.shape, *self.modality.shape), dtype=np.uint8)
        for index, instance in np.argwhere(present):
            pixels[index, instance] = self._decode(int(rows[index]) * self.modality.instances + int(instance))
        return pixels, present

    def coded(self, row: int) -> list[bytes]:
        """The files of the K images of a row, as they were kept; empty where one is absent."""
        first = row * self.modality.instances
        offsets = self.offsets[first : first + self.modality.instances + 1].tolist()
        if self._checked:
            self._checked.check(iter([(offsets[0], offsets[-1])]))
        return [self.bytes[start:stop].tobytes() for start, stop in pairwise(offsets)]

    def _decode(self, position: int) -> NDArray[np.uint8]:
        from PIL import Image

        start, stop = (int(offset) for offset in self.offsets[position : position + 2])
        if self._checked:
            self._checked.check(iter([(start, stop)]))
        try:
            with Image.open(io.BytesIO(self.bytes[start:stop].tobytes())) as image:
                colours = image if image.mode == "RGB" else image.convert("RGB")
                pixels = np.asarray(colours, dtype=np.uint8).transpose(2, 0, 1)
        except Exception as error:  # Pillow raises what it stumbles over
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


def _is_mapped(dataset: h5py.Dataset) -> bool:
    # Contiguous, uncompressed datasets lie in the file as they would in memory: mapping them costs nothing and
    # lets processes share the pages.
    return dataset.size > 0 and dataset.id.get_offset() is not None


def _mapped(checked: ChecksummedFile, dataset: h5py.Dataset) -> tuple[NDArray[Any], CheckedExtent | None]:
    if not _is_mapped(dataset):
        empty: NDArray[Any] = dataset[()]
        return empty, None
    offset = dataset.id.get_offset()
    if Extent(offset, dataset.nbytes) not in [Extent(*extent) for extent in checked.footer.extents]:
        raise ValueError(f"its footer has no checksums of {dataset.name}")
    x = np.memmap(checked.path, mode="r", dtype=dataset.dtype, shape=dataset.shape, offset=offset)
    return x, checked.checked(offset)


def _schema(plain: Any) -> Schema:
    schema: Schema = _schema_type().validate_python(plain)
    if any(length < 1 for modality in schema.modalities for length in (modality.instances, *modality.shape)):
        raise ValueError("a modality has a length below 1")
    return schema


@cache
def _schema_type() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Schema)
