"""Merge of the prepared files of units into one file of the dataset."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mmbench.contract import Modality, Schema
from mmbench.data.store_writer import INDEX, add_checksums, write_final_attributes
from mmbench.errors import DamagedError
from mmbench.storage import ChecksummedFile, Extent, allocate_hdf5_dataset, check_free_space, open_hdf5

_COPY_SIZE = 1 << 20  # bytes per copy
_CONCATENATED = ("present", "inferred", "lengths", "times")
_OFFSETS = ("offsets", "frames")


def merge(
    path: Path,
    parts: Sequence[Path],
    schema: Schema,
    attributes: Mapping[str, Any],
    made_from: Mapping[str, Any] | None = None,
) -> None:
    """Merge the files of the units, in order, with little memory; ``made_from`` holds the parts of the key."""
    check_free_space(path, sum(ChecksummedFile(part).footer.size for part in parts) + INDEX)
    with open_hdf5(path, "w") as file:
        opened = [open_hdf5(part, "r") for part in parts]
        try:
            _merge_index(file, opened, schema)
            offsets = [_merge_modality(file, opened, modality) for modality in schema.modalities]
        finally:
            for part in opened:
                part.close()
        write_final_attributes(file, schema, attributes)
    _copy(path, parts, offsets)
    add_checksums(path, "prepared", made_from or {})


def _merge_index(file: h5py.File, parts: Sequence[h5py.File], schema: Schema) -> None:
    text = h5py.string_dtype()
    for name in ("ids", *(f"groups/{group}" for group in schema.groups)):
        file.create_dataset(name, data=np.concatenate([part[name][()] for part in parts]), dtype=text)
    if any("parts" in part for part in parts):
        blank = [np.full(len(part["ids"]), b"", dtype=object) for part in parts]
        found = [part["parts"][()] if "parts" in part else none for part, none in zip(parts, blank, strict=True)]
        file.create_dataset("parts", data=np.concatenate(found), dtype=text)
    for name in ("spans", *(f"labels/{task}" for task in schema.tasks)):
        file[name] = np.concatenate([part[name][()] for part in parts])


def _merge_modality(file: h5py.File, parts: Sequence[h5py.File], modality: Modality) -> tuple[int, list[Extent]]:
    """Merge all of a modality but its instances; returns their offset in the file, and their extent in each part."""
    groups = [part[f"modalities/{modality.name}"] for part in parts]
    merged = file.create_group(f"modalities/{modality.name}")
    for name in [name for name in _CONCATENATED if name in groups[0]]:
        merged[name] = np.concatenate([group[name][()] for group in groups])
    for name in [name for name in _OFFSETS if name in groups[0]]:
        lengths = np.concatenate([np.diff(group[name][()]) for group in groups])
        merged[name] = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    name = "x" if "x" in groups[0] else "bytes"
    total = sum(len(group[name]) for group in groups)
    offset = allocate_hdf5_dataset(merged, name, (total, *groups[0][name].shape[1:]), groups[0][name].dtype)
    return offset, [Extent(group[name].id.get_offset() or 0, group[name].nbytes) for group in groups]


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
