"""Prepared dataset: one HDF5 file with every sample, opened and checked for reading."""

import math
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import h5py
import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Part, Task
from mmbench.data.instance_sources import open_source
from mmbench.data.samples.schema import check_schema, schema_from_plain
from mmbench.data.samples.targets import are_targets_valid, target_layout
from mmbench.data.sources import Source, check_modality, open_prepared
from mmbench.data.store_writer import STORE_FORMAT
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

    ``ids`` and ``groups`` are arrays over all samples; ``parts`` is the part of each in the official split
    (`Part`, empty for none), or None where no sample has one. Arrays are memory-mapped, what is coded is decoded on
    demand. Labels are read on every call: while a model is trained, labels of the test part are not in the memory of
    its process.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._opened = ChecksummedFile(path).identity
            with open_hdf5(path, "r") as file:
                if file.attrs.get("format") != STORE_FORMAT:
                    raise OSError("it is incomplete or has another version")
                self.schema = check_schema(schema_from_plain(parse_json(file.attrs["schema"])), path.name)
                self.attributes: dict[str, Any] = _attributes(parse_json(file.attrs["attributes"]))
                self.ids: NDArray[np.str_] = find_hdf5_texts(file, "ids", None)
                self.groups = {name: find_hdf5_texts(file, f"groups/{name}", len(self)) for name in self.schema.groups}
                self.spans: NDArray[np.float64] = find_hdf5_dataset(file, "spans", ("float64",), (len(self), 2))[()]
                self.parts = _find_parts(file, len(self))
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

    def labels(self, task: str) -> NDArray[Any]:
        """The targets of a task: int64 ``(N,)`` of classes, int64 ``(N, L)`` of labels, float64 ``(N, V)`` of values.

        Samples that are not labelled have -1, rows of -1, and rows of NaN.
        """
        offset = self._label_offsets.get(task)
        if offset is not None and self.path.exists() and file_identity(self.path) == self._opened:
            # Without HDF5: opening the file takes longer than a small training.
            dtype, shape = target_layout(self.schema.tasks[task], len(self))
            labels: NDArray[Any] = np.fromfile(self.path, dtype=dtype, count=math.prod(shape), offset=offset)
            labels = labels.reshape(shape)
        else:
            with open_prepared(self.path) as file:
                labels = _find_labels(file, task, self.schema.tasks[task], len(self))[()]
        if not are_targets_valid(labels, self.schema.tasks[task]):
            raise DamagedError(
                f"has labels of {task} that the task cannot have",
                where=self.path,
                remedy="delete it, and it is made again",
            )
        return labels

    def source(self, name: str) -> Source:
        """The instances of one modality."""
        return open_source(self.path, self.schema.modality(name))


def _find_labels(file: h5py.File, name: str, task: Task, n: int) -> h5py.Dataset:
    dtype, shape = target_layout(task, n)
    return find_hdf5_dataset(file, f"labels/{name}", (str(dtype),), shape)


def _find_parts(file: h5py.File, n: int) -> NDArray[np.str_] | None:
    """The part of each sample in the official split; None where the file has none."""
    if "parts" not in file:
        return None
    parts = find_hdf5_texts(file, "parts", n)
    if unknown := set(parts.tolist()) - {"", *get_args(Part)}:
        raise ValueError(f"a sample is in the part {min(unknown)!r}")
    return parts


def _attributes(plain: Any) -> dict[str, Any]:
    if not isinstance(plain, dict) or not isinstance(plain.get("dropped", []), list):
        raise ValueError("its attributes are not those of a prepared file")
    return plain
