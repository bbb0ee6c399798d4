"""Checks of single samples."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import TypeGuard

import numpy as np

from mmbench.conformance.outcome import demand
from mmbench.contract import Clip, Modality, Sample, Schema
from mmbench.data import check_sample, check_targets
from mmbench.errors import DataError

IMAGE_STARTS = (b"\xff\xd8\xff", b"\x89PNG")


def demand_ids(samples: Sequence[Sample]) -> None:
    """There are samples, and no two share an id."""
    demand(len(samples) > 0, "the first units hold no samples")
    seen: set[str] = set()
    for sample in samples:
        demand(isinstance(sample.id, str) and sample.id != "", f"{sample.id!r} is not an id")
        demand(sample.id not in seen, f"two samples have the id {sample.id}")
        seen.add(sample.id)


def demand_groups(sample: Sample, schema: Schema) -> None:
    """The groups are those of the schema, each with a non-empty name."""
    declared, there = set(schema.groups), set(sample.groups)
    demand(
        there <= declared,
        f"sample {sample.id} has groups that the schema does not have: {', '.join(sorted(there - declared))}",
    )
    for group in schema.groups:
        value = sample.groups.get(group)
        demand(isinstance(value, str) and value != "", f"sample {sample.id} does not declare its {group}")


def demand_labels(sample: Sample, schema: Schema) -> None:
    """Each label is of a task of the schema, and one that it can have."""
    try:
        check_targets(sample, schema)
    except DataError as error:
        demand(False, f"sample {sample.id}: {error.message}")


def demand_shapes(sample: Sample, schema: Schema) -> None:
    """Each modality is in the schema and has its form; masks match."""
    modalities = {modality.name: modality for modality in schema.modalities}
    for name in {*sample.data, *sample.present, *sample.inferred}:
        demand(
            name in modalities and name in sample.data,
            f"sample {sample.id} has data or masks of {name} that do not match the schema",
        )
    for name in sample.data:
        modality = modalities[name]
        where = f"{name} of sample {sample.id}"
        _find_demand(modality)(sample, modality, where)
        marks = sample.inferred.get(name)
        fits = marks is None or (marks.shape == (modality.instances,) and marks.dtype == np.bool_)
        demand(fits, f"{where}: inferred is not bool {(modality.instances,)}")


def _find_demand(modality: Modality) -> Callable[[Sample, Modality, str], None]:
    if modality.kind == "image":
        return _demand_images
    is_array = modality.kind == "vector" or (modality.kind == "timeseries" and not modality.is_open)
    return _demand_array if is_array else _demand_storable


def _demand_storable(sample: Sample, modality: Modality, where: str) -> None:
    """The host can store the bag: it decodes audio, reads the headers of images, and reads texts and tables."""
    name = modality.name
    present = {name: sample.present[name]} if name in sample.present else {}
    alone = replace(sample, labels={}, data={name: sample.data[name]}, present=present, inferred={}, span=None)
    try:
        check_sample(alone, Schema((modality,), {}))
    except DataError as error:
        demand(False, f"{where}: {error.message}")


def _demand_images(sample: Sample, modality: Modality, where: str) -> None:
    images = sample.data[modality.name]
    demand(len(images) == modality.instances, f"{where}: {len(images)} images for a bag of {modality.instances}")
    for image in images:
        coded = image is None or (isinstance(image, bytes) and image.startswith(IMAGE_STARTS))
        demand(coded, f"{where}: neither JPEG, PNG nor None")
    _demand_storable(sample, modality, where)


def _demand_array(sample: Sample, modality: Modality, where: str) -> None:
    array = np.asarray(sample.data[modality.name])
    wanted = (modality.instances, *modality.shape)
    demand(array.shape == wanted, f"{where}: shape {array.shape}, the schema says {wanted}")
    demand(array.dtype == np.float32, f"{where}: {array.dtype} instead of float32")
    mask = sample.present.get(modality.name)
    fits = mask is None or (mask.shape == wanted[:1] and mask.dtype == np.bool_)
    demand(fits, f"{where}: present is not bool {wanted[:1]}")


def demand_finite(sample: Sample) -> None:
    """Numbers of present instances are finite."""
    for name, values in sample.data.items():
        if isinstance(values, np.ndarray):
            kept = values[sample.present.get(name, np.ones(len(values), dtype=bool))]
            demand(bool(np.isfinite(kept).all()), f"{name} of sample {sample.id} has NaN or infinite values")


def same_sample(a: Sample, b: Sample) -> bool:
    """Whether two samples are equal in all they hold."""
    return all(_same(getattr(a, field.name), getattr(b, field.name)) for field in fields(Sample))


def _same(a: object, b: object) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_same(a[name], b[name]) for name in a)
    if isinstance(a, Clip) and isinstance(b, Clip):
        return _same(a.frames, b.frames) and _same(a.times, b.times)
    if _is_sequence(a) and _is_sequence(b):
        return len(a) == len(b) and all(map(_same, a, b))
    return type(a) is type(b) and (a == b or (a != a and b != b))  # NaN in a table is a missing value


def _is_sequence(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
