"""Checks of single samples."""

from collections.abc import Mapping, Sequence

import numpy as np

from mmbench.conformance.outcome import demand
from mmbench.contract import Modality, Sample, Schema

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
    """Each task has a label, an index of one of its classes."""
    demand(set(sample.labels) == set(schema.tasks), f"sample {sample.id} has labels of {', '.join(sample.labels)}")
    for task, declared in schema.tasks.items():
        label = sample.labels[task]
        whole = isinstance(label, int | np.integer) and not isinstance(label, bool)
        demand(whole and 0 <= label < len(declared.names), f"sample {sample.id} has the label {label!r} in {task}")


def demand_shapes(sample: Sample, schema: Schema) -> None:
    """Each modality is in the schema and has its shape; masks match."""
    modalities = {modality.name: modality for modality in schema.modalities}
    for name in {*sample.data, *sample.present, *sample.inferred}:
        demand(
            name in modalities and name in sample.data,
            f"sample {sample.id} has data or masks of {name} that do not match the schema",
        )
    for name in sample.data:
        modality = modalities[name]
        where = f"{name} of sample {sample.id}"
        demand_kind = _demand_images if modality.kind == "image" else _demand_array
        demand_kind(sample, modality, where)
        marks = sample.inferred.get(name)
        fits = marks is None or (marks.shape == (modality.instances,) and marks.dtype == np.bool_)
        demand(fits, f"{where}: inferred is not bool {(modality.instances,)}")


def _demand_images(sample: Sample, modality: Modality, where: str) -> None:
    images = sample.data[modality.name]
    demand(len(images) == modality.instances, f"{where}: {len(images)} images for a bag of {modality.instances}")
    for image in images:
        coded = image is None or (isinstance(image, bytes) and image.startswith(IMAGE_STARTS))
        demand(coded, f"{where}: neither JPEG, PNG nor None")


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
    return (
        (a.id, a.labels, a.groups, a.span) == (b.id, b.labels, b.groups, b.span)
        and _same_arrays(a.data, b.data)
        and _same_arrays(a.present, b.present)
        and _same_arrays(a.inferred, b.inferred)
    )


def _same_arrays(a: Mapping[str, object], b: Mapping[str, object]) -> bool:
    return a.keys() == b.keys() and all(_same(a[name], b[name]) for name in a)


def _same(a: object, b: object) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.array_equal(a, b, equal_nan=True)
    return isinstance(a, Sequence) and isinstance(b, Sequence) and list(a) == list(b)
