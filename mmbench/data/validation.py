"""Validation of schemas and samples before they are stored."""

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Modality, Sample, Schema
from mmbench.data.labels import check_label
from mmbench.errors import DataError
from mmbench.storage import check_printable

_MAX_NAME = 100  # bytes of a modality's name, which is a prefix of file names


def check_schema(schema: Schema, dataset: str) -> Schema:
    """The schema; DataError, naming the dataset, for names that HDF5 or torch do not accept."""
    names = [modality.name for modality in schema.modalities]
    wrong = [
        *(
            f"the name {name!r} of a modality is empty or has a dot or slash in it"
            for name in names
            if not _is_plain(name)
        ),
        *(f"the name of a modality is longer than {_MAX_NAME} bytes: {name!r}" for name in names if _is_long(name)),
        *(f"two modalities have the name {name!r}" for name in names if names.count(name) > 1),
        *(f"the name {name!r} of a task is not valid in HDF5" for name in schema.tasks if not _is_path(name)),
        *(f"the name {name!r} of a group is not valid in HDF5" for name in schema.groups if not _is_path(name)),
        *(f"two groups have the name {name!r}" for name in schema.groups if schema.groups.count(name) > 1),
        *(f"{name!r} is a prefix of the name {other!r}" for name, other in _nested(schema)),
    ]
    try:
        check_printable(names, schema.tasks, schema.groups, *(modality.channels for modality in schema.modalities))
    except ValueError as error:
        wrong.append(f"a name cannot be printed: {error}")
    if wrong:
        raise DataError(wrong[0], where=dataset, remedy="rename it in the dataset")
    return schema


def _is_plain(name: str) -> bool:
    return bool(name) and not set("./") & set(name)


def _is_long(name: str) -> bool:
    return len(name.encode(errors="replace")) > _MAX_NAME


def _is_path(name: str) -> bool:
    """Whether a name is a valid path of a dataset in HDF5."""
    return all(part not in ("", ".") for part in name.split("/")) and "\0" not in name


def _nested(schema: Schema) -> Iterator[tuple[str, str]]:
    """Pairs of tasks, or of groups, whose names would be nested in the file."""
    for names in (tuple(schema.tasks), schema.groups):
        yield from ((one, other) for one in names for other in names if other.startswith(f"{one}/"))


def check_sample(sample: Sample, schema: Schema) -> None:
    """Raise DataError, naming the sample, where it breaks the schema or holds unusable values."""
    if not isinstance(sample.id, str):
        raise DataError(
            f"the id {sample.id!r} is of type {type(sample.id).__name__}, not str", remedy="give ids as str"
        )
    known = {modality.name for modality in schema.modalities}
    if unknown := sorted(set(sample.data) - known):
        raise DataError(f"has data for {', '.join(unknown)}, which the schema does not have", where=sample.id)
    for group in schema.groups:
        value = sample.groups.get(group)
        if value is None or value == "":
            raise DataError(
                f"declares no {group}", where=sample.id, remedy="the dataset must give every group of its schema"
            )
        if not isinstance(value, str):
            message = f"{group} is {value!r} of type {type(value).__name__}, not str"
            raise DataError(message, where=sample.id, remedy=f"give it as a str, such as {str(value)!r}")
    _check_names(sample)
    _check_span(sample)
    _check_labels(sample, schema)
    for modality in schema.modalities:
        if modality.name in sample.data:
            check_instances(sample, modality)
    _check_inferred(sample, schema)


def _check_names(sample: Sample) -> None:
    """Names of a sample must be printable, since records that hold others cannot be read."""
    try:
        check_printable(sample.id, sample.groups)
    except ValueError as error:
        raise DataError(f"cannot be stored in records: {error}", where=sample.id, remedy="rename it") from None


def _check_span(sample: Sample) -> None:
    """An impossible time would sort windows wrongly and hide that they are neighbours."""
    if sample.span is None:
        return
    try:
        start, stop = map(float, sample.span)
    except (TypeError, ValueError):
        start = stop = np.nan
    if not -np.inf < start <= stop < np.inf:
        remedy = "the dataset must give the times of its windows, or None"
        raise DataError(
            f"has the span {sample.span}, which is not a start and an end in seconds", where=sample.id, remedy=remedy
        )


def _check_inferred(sample: Sample, schema: Schema) -> None:
    for name, marks in sample.inferred.items():
        if name not in sample.data:
            raise DataError(f"has inferred instances of {name}, but no data of it", where=sample.id)
        modality = schema.modality(name)
        if np.shape(marks) != (modality.instances,) or np.asarray(marks).dtype != np.bool_:
            raise DataError(f"inferred of {name} is not bool {(modality.instances,)}", where=sample.id)
        if (marks & ~presence(sample, modality)).any():
            raise DataError(f"an instance of {name} is inferred and absent", where=sample.id)


def _check_labels(sample: Sample, schema: Schema) -> None:
    for task in sample.labels:
        if task not in schema.tasks:
            raise DataError(f"is labelled for {task!r}, which the schema does not have", where=sample.id)
        check_label(sample, task, schema.tasks[task])


def check_instances(sample: Sample, modality: Modality) -> None:
    """Check the bag of one modality."""
    data = sample.data[modality.name]
    if not hasattr(data, "__len__"):
        message = f"{modality.name} is a {type(data).__name__}, not a bag of {modality.instances} instances"
        raise DataError(message, where=sample.id)
    if len(data) != modality.instances:
        raise DataError(f"{modality.name} has {len(data)} instances, not {modality.instances}", where=sample.id)
    if modality.kind == "image":
        _check_images(_items(data), sample, modality)
        return
    marks = sample.present.get(modality.name)
    if marks is not None and np.shape(marks) != (modality.instances,):
        raise DataError(
            f"present of {modality.name} has the shape {np.shape(marks)}, not {(modality.instances,)}", where=sample.id
        )
    # Checked as float32, as it is stored: large values become infinite, small differences vanish.
    _check_array(_as_numbers(data, sample, modality), sample, modality)


def _as_numbers(data: Any, sample: Sample, modality: Modality) -> NDArray[np.float32]:
    try:
        if np.asarray(data).dtype.kind == "c":
            raise TypeError("they are complex")
        with np.errstate(over="ignore"):
            return np.asarray(data, dtype=np.float32)
    except (TypeError, ValueError) as error:
        shown = f"{error}".partition("\n")[0][:120]
        raise DataError(f"{modality.name} does not hold real numbers in one array: {shown}", where=sample.id) from None


def _check_images(items: Sequence[Any], sample: Sample, modality: Modality) -> None:
    """Check the headers only: decoding all images would take longer than reading most datasets."""
    from PIL import Image

    for item in items:
        if item is None:
            continue
        if not isinstance(item, bytes | bytearray | memoryview):
            message = f"{modality.name} holds a {type(item).__name__}, not the bytes of a JPEG or PNG file"
            raise DataError(message, where=sample.id, remedy="encode the pixels, or pass the bytes of the file")
        try:
            with Image.open(io.BytesIO(item), formats=("JPEG", "PNG")) as image:
                shape = (3, image.height, image.width)
        except Exception as error:  # Pillow raises errors of many classes, also for images that claim to be very large
            begin = "it is empty" if not item else f"it begins with {item[:8]!r}"
            raise DataError(
                f"{modality.name} cannot be opened as JPEG or PNG ({type(error).__name__}): {begin}", where=sample.id
            ) from error
        if shape != modality.shape:
            raise DataError(f"{modality.name} has the shape {shape}, not {modality.shape}", where=sample.id)


def _check_array(data: NDArray[Any], sample: Sample, modality: Modality) -> None:
    expected = (modality.instances, *modality.shape)
    if data.shape != expected:
        raise DataError(f"{modality.name} has the shape {data.shape}, not {expected}", where=sample.id)
    here = data if sample.present.get(modality.name) is None else data[presence(sample, modality)]
    if not np.isfinite(here).all():
        raise DataError(
            f"{modality.name} holds NaN or infinite values",
            where=sample.id,
            remedy="fix or remove the recording, or leave such samples out with --bad drop",
        )
    if modality.kind == "timeseries" and here.size:
        _check_channels(here, sample, modality)


def _check_channels(here: NDArray[Any], sample: Sample, modality: Modality) -> None:
    if (here[..., 0] != here[..., -1]).any(axis=0).all():
        return  # the usual case, and faster to check
    flat = np.flatnonzero((np.ptp(here, axis=-1) == 0).all(axis=0))
    if flat.size:
        names = modality.channels or tuple(str(index) for index in range(modality.shape[0]))
        raise DataError(
            f"channel{'s' if len(flat) > 1 else ''} {', '.join(names[index] for index in flat)} of {modality.name} "
            f"{'is' if len(flat) == 1 else 'are'} constant",
            where=sample.id,
            remedy="fix or remove the recording, or leave such samples out with --bad drop",
        )


def presence(sample: Sample, modality: Modality) -> NDArray[np.bool_]:
    """Which instances of a sample's bag are present, bool ``(K,)``."""
    data = sample.data.get(modality.name)
    if data is None:
        return np.zeros(modality.instances, dtype=bool)
    if modality.kind == "image":
        return np.array([item is not None for item in _items(data)], dtype=bool)
    mask = sample.present.get(modality.name)
    return np.ones(modality.instances, dtype=bool) if mask is None else np.asarray(mask, dtype=bool)


def inference(sample: Sample, modality: Modality) -> NDArray[np.bool_]:
    """Which instances of a sample's bag were inferred (`Sample.inferred`), bool ``(K,)``."""
    return np.asarray(sample.inferred.get(modality.name, np.zeros(modality.instances)), dtype=bool)


def _items(data: Any) -> Sequence[Any]:
    items: Sequence[Any] = data
    return items
