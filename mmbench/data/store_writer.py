"""Writer of prepared files: the samples of one unit as one HDF5 file with checksums."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Modality, Sample, Schema
from mmbench.data.labels import collect_labels
from mmbench.data.validation import inference, presence
from mmbench.storage import (
    Extent,
    check_free_space,
    open_hdf5,
    write_footer,
)

STORE_FORMAT = 3
INDEX = 1 << 16  # estimated bytes for ids, labels and the structure of HDF5
_WRITE_SIZE = 1 << 22  # bytes of samples per write


def write_samples(
    path: Path,
    samples: Sequence[Sample],
    schema: Schema,
    attributes: Mapping[str, Any],
    made_from: Mapping[str, Any] | None = None,
) -> None:
    """Write samples into a new HDF5 file; ``made_from`` holds the parts of its key."""
    check_free_space(path, sum(_size(sample) for sample in samples) + INDEX)
    with open_hdf5(path, "w") as file:
        _write_index(file, samples, schema)
        for modality in schema.modalities:
            group = file.create_group(f"modalities/{modality.name}")
            present = np.zeros((len(samples), modality.instances), dtype=bool)
            for row, sample in enumerate(samples):
                present[row] = presence(sample, modality)
            group["present"] = present
            inferred = [inference(sample, modality) for sample in samples]
            group["inferred"] = np.array(inferred, dtype=bool).reshape(present.shape)
            if modality.kind == "image":
                _write_images(group, [sample.data.get(modality.name) for sample in samples], modality)
            else:
                _write_arrays(group, [sample.data.get(modality.name) for sample in samples], modality, present)
        write_final_attributes(file, schema, attributes)
    add_checksums(path, "unit", made_from or {})


def _size(sample: Sample) -> int:
    """Size of the data of a sample in the file, in bytes."""
    arrays = (np.size(bag) * 4 for bag in sample.data.values() if isinstance(bag, np.ndarray))
    images = (len(item or b"") for bag in sample.data.values() if not isinstance(bag, np.ndarray) for item in bag)
    return sum(arrays) + sum(images)


def _write_index(file: h5py.File, samples: Sequence[Sample], schema: Schema) -> None:
    text = h5py.string_dtype()
    file.create_dataset("ids", data=[sample.id for sample in samples], dtype=text)
    for group in schema.groups:
        file.create_dataset(f"groups/{group}", data=[sample.groups[group] for sample in samples], dtype=text)
    for name, task in schema.tasks.items():
        file[f"labels/{name}"] = collect_labels(samples, name, task)
    spans = [sample.span or (np.nan, np.nan) for sample in samples]
    file["spans"] = np.array(spans, dtype=np.float64).reshape(-1, 2)


def _write_arrays(group: h5py.Group, bags: Sequence[Any], modality: Modality, present: NDArray[np.bool_]) -> None:
    shape = (modality.instances, *modality.shape)
    x = group.create_dataset("x", shape=(len(bags), *shape), dtype=np.float32)
    step = max(1, _WRITE_SIZE // (4 * math.prod(shape)))
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
    """Write the attributes that only a complete file has."""
    file.attrs["schema"] = json.dumps(asdict(schema))
    file.attrs["attributes"] = json.dumps(dict(attributes))
    file.attrs["format"] = STORE_FORMAT


def add_checksums(path: Path, kind: str, made_from: Mapping[str, Any]) -> None:
    """Append what a file of samples or tokens was made from, and its checksums."""
    with open_hdf5(path, "r") as file:
        datasets = [group.get("x", group.get("bytes")) for group in file["modalities"].values()]
        extents = [Extent(found.id.get_offset(), found.nbytes) for found in datasets if is_mapped(found)]
    write_footer(path, kind, made_from, sorted(extents))


def is_mapped(dataset: h5py.Dataset) -> bool:
    """Whether a dataset can be memory-mapped: it has a place in the file."""
    # Contiguous, uncompressed datasets have the same layout as in memory; processes share mapped pages.
    return dataset.size > 0 and dataset.id.get_offset() is not None
