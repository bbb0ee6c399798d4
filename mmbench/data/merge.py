"""Merge of the prepared files of units into one file of the dataset."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Schema
from mmbench.data.missingness import count_missing
from mmbench.data.store_writer import INDEX, add_checksums, write_final_attributes
from mmbench.errors import DamagedError
from mmbench.storage import ChecksummedFile, Extent, allocate_hdf5_dataset, check_free_space, open_hdf5

_COPY_SIZE = 1 << 20  # bytes per copy
_CONCATENATED = ("present", "inferred", "lengths", "times")
_OFFSETS = ("offsets", "frames")


class _Unit(NamedTuple):
    """What the merged file takes over from a unit's file besides the instances.

    ``arrays`` are the index, and what describes the instances of each modality, by path in the file. ``instances`` has
    the path, shape, type and extent of the instances of each modality.
    """

    arrays: Mapping[str, NDArray[Any]]
    instances: Sequence[tuple[str, tuple[int, ...], np.dtype[Any], Extent]]


def merge(
    path: Path,
    parts: Sequence[Path],
    schema: Schema,
    attributes: Mapping[str, Any],
    made_from: Mapping[str, Any] | None = None,
) -> None:
    """Merge the files of the units, in order, with little memory; ``made_from`` holds the parts of the key.

    ``attributes`` are those of the merged file, to which its missingness is added.
    """
    check_free_space(path, sum(ChecksummedFile(part).footer.size for part in parts) + INDEX)
    units = [_read_unit(part, schema) for part in parts]
    with open_hdf5(path, "w") as file:
        _write_arrays(file, units, schema)
        offsets = [_allocate(file, found) for found in zip(*(unit.instances for unit in units), strict=True)]
        write_final_attributes(file, schema, {**attributes, "gaps": count_missing(file, schema)})
    _copy(path, parts, offsets)
    add_checksums(path, "prepared", made_from or {})


def _read_unit(path: Path, schema: Schema) -> _Unit:
    names = ["ids", "parts", "spans", *(f"groups/{group}" for group in schema.groups)]
    names += [f"labels/{task}" for task in schema.tasks]
    groups = [f"modalities/{modality.name}" for modality in schema.modalities]
    names += [f"{group}/{name}" for group in groups for name in (*_CONCATENATED, *_OFFSETS)]
    with open_hdf5(path, "r") as file:
        arrays = {name: file[name][()] for name in names if name in file}
        found = [file[f"{group}/x" if f"{group}/x" in file else f"{group}/bytes"] for group in groups]
        return _Unit(arrays, [(each.name.lstrip("/"), each.shape, each.dtype, _extent(each)) for each in found])


def _extent(instances: h5py.Dataset) -> Extent:
    return Extent(instances.id.get_offset() or 0, instances.nbytes)


def _write_arrays(file: h5py.File, units: Sequence[_Unit], schema: Schema) -> None:
    text = h5py.string_dtype()
    texts = {"ids", "parts", *(f"groups/{group}" for group in schema.groups)}
    for name in dict.fromkeys(name for unit in units for name in unit.arrays):
        if name == "parts":  # only units with an official split have them
            blank = (np.full(len(unit.arrays["ids"]), b"", dtype=object) for unit in units)
            values = [unit.arrays.get(name, none) for unit, none in zip(units, blank, strict=True)]
        else:
            values = [unit.arrays[name] for unit in units]
        if name.rpartition("/")[2] in _OFFSETS and name.startswith("modalities/"):
            lengths = np.concatenate([np.diff(each) for each in values])
            file[name] = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        elif name in texts:
            file.create_dataset(name, data=np.concatenate(values), dtype=text)
        else:
            file[name] = np.concatenate(values)


def _allocate(
    file: h5py.File, found: Sequence[tuple[str, tuple[int, ...], np.dtype[Any], Extent]]
) -> tuple[int, list[Extent]]:
    """Allocate the instances of a modality; returns their offset in the file, and their extent in each unit's file."""
    path, (_, *shape), dtype, _ = found[0]
    group, _, name = path.rpartition("/")
    total = sum(length for _, (length, *_), _, _ in found)
    offset = allocate_hdf5_dataset(file[group], name, (total, *shape), dtype)
    return offset, [extent for _, _, _, extent in found]


def _copy(path: Path, parts: Sequence[Path], offsets: Sequence[tuple[int, Sequence[Extent]]]) -> None:
    """Copy the instances of each modality from its extents in the parts to its offset in the file."""
    buffer = memoryview(bytearray(_COPY_SIZE))
    with path.open("rb+") as file:
        for offset, extents in offsets:
            file.seek(offset)
            for part, (start, size) in zip(parts, extents, strict=True):
                with part.open("rb") as source:
                    source.seek(start)
                    for at in range(0, size, _COPY_SIZE):
                        piece = buffer[: min(_COPY_SIZE, size - at)]
                        if source.readinto(piece) < len(piece):
                            raise DamagedError(
                                "was truncated while it was open", where=part, remedy="run the same command again"
                            )
                        file.write(piece)
