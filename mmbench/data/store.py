"""Prepared dataset: one HDF5 file with every sample, opened and checked for reading."""

import math
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Schema, Task
from mmbench.data.labels import Labels, are_valid, label_shape, label_type
from mmbench.data.sources import ArraySource, ImageSource, Source, check_modality, open_prepared
from mmbench.data.store_writer import STORE_FORMAT
from mmbench.data.validation import check_schema
from mmbench.errors import DamagedError, DataError
from mmbench.storage import (
    HDF5_ERRORS,
    ChecksummedFile,
    check_printable,
    describe_parse_error,
    file_identity,
    find_hdf5_dataset,
    find_hdf5_texts,
    open_hdf5,
    parse_json,
)


class Store:
    """A prepared dataset, opened for reading.

    ``ids`` and ``groups`` are arrays over all samples; arrays are memory-mapped, images decoded on demand. Labels are
    read on every call: while a model is trained, labels of the test part are not in the memory of its process.
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
                self._label_offsets = {
                    name: _find_labels(file, name, task, len(self)).id.get_offset()
                    for name, task in self.schema.tasks.items()
                }
                for modality in self.schema.modalities:
                    check_modality(file, modality, len(self))
            if len(set(self.ids.tolist())) < len(self):
                raise ValueError("two samples have the same id")
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
        """Digest of everything that the samples depend on."""
        if not isinstance(key := self.attributes.get("key"), str):
            raise DamagedError("has no key", where=self.path, remedy="delete it, and it is made again")
        return key

    def labels(self, name: str) -> Labels:
        """The labels of the task ``name``, as in `mmbench.data.labels`."""
        task, offset = self.schema.tasks[name], self._label_offsets.get(name)
        if offset is not None and self.path.exists() and file_identity(self.path) == self._opened:
            # Without HDF5: opening the file takes longer than a small training.
            shape = (len(self), *label_shape(task))
            labels: Labels = np.fromfile(self.path, label_type(task), math.prod(shape), offset=offset).reshape(shape)
        else:
            with open_prepared(self.path) as file:
                labels = _find_labels(file, name, task, len(self))[()]
        if not are_valid(labels, task):
            what = "classes" if task.kind == "class" else "values"
            raise DamagedError(
                f"has labels of {name} outside its {what}", where=self.path, remedy="delete it, and it is made again"
            )
        return labels

    def source(self, name: str) -> Source:
        """The instances of one modality."""
        modality = self.schema.modality(name)
        return ImageSource(self.path, modality) if modality.kind == "image" else ArraySource(self.path, name)


def _find_labels(file: h5py.File, name: str, task: Task, n: int) -> h5py.Dataset:
    return find_hdf5_dataset(file, f"labels/{name}", (label_type(task),), (n, *label_shape(task)))


def _attributes(plain: Any) -> dict[str, Any]:
    if not isinstance(plain, dict) or not isinstance(plain.get("dropped", []), list):
        raise ValueError("its attributes are not those of a prepared file")
    return plain


def _schema(plain: Any) -> Schema:
    schema: Schema = _schema_type().validate_python(plain)
    if any(length < 1 for modality in schema.modalities for length in (modality.instances, *modality.shape)):
        raise ValueError("a modality has a length below 1")
    return schema


@cache
def _schema_type() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Schema)
