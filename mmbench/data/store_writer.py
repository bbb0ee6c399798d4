"""Writer of prepared files: the samples of one unit as one HDF5 file with checksums."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mmbench.contract import Sample, Schema
from mmbench.data.bag_writer import stored_size, write_bags
from mmbench.data.samples.schema import schema_to_plain
from mmbench.data.samples.targets import stack_targets
from mmbench.data.samples.validation import inference, presence
from mmbench.storage import (
    Extent,
    check_free_space,
    open_hdf5,
    write_footer,
)

STORE_FORMAT = 4
INDEX = 1 << 16  # estimated bytes for ids, labels and the structure of HDF5


def write_samples(
    path: Path,
    samples: Sequence[Sample],
    schema: Schema,
    attributes: Mapping[str, Any],
    made_from: Mapping[str, Any] | None = None,
) -> None:
    """Write samples, as `check_sample` returns them, into a new HDF5 file; ``made_from`` holds the parts of its key."""
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
            write_bags(group, [sample.data.get(modality.name) for sample in samples], modality, present)
        write_final_attributes(file, schema, attributes)
    add_checksums(path, "unit", made_from or {})


def _size(sample: Sample) -> int:
    """Size of the data of a sample in the file, in bytes."""
    return sum(map(stored_size, sample.data.values()))


def _write_index(file: h5py.File, samples: Sequence[Sample], schema: Schema) -> None:
    text = h5py.string_dtype()
    file.create_dataset("ids", data=[sample.id for sample in samples], dtype=text)
    for group in schema.groups:
        file.create_dataset(f"groups/{group}", data=[sample.groups[group] for sample in samples], dtype=text)
    for name, task in schema.tasks.items():
        file[f"labels/{name}"] = stack_targets([sample.labels.get(name) for sample in samples], task)
    spans = [sample.span or (np.nan, np.nan) for sample in samples]
    file["spans"] = np.array(spans, dtype=np.float64).reshape(-1, 2)
    if any(sample.split for sample in samples):
        file.create_dataset("parts", data=[sample.split or "" for sample in samples], dtype=text)


def write_final_attributes(file: h5py.File, schema: Schema, attributes: Mapping[str, Any]) -> None:
    """Write the attributes that only a complete file has."""
    file.attrs["schema"] = json.dumps(schema_to_plain(schema))
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
