"""Validation of samples, and the form in which they are stored."""

from collections import Counter
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Kind, Modality, Part, Sample, Schema
from mmbench.data.samples.arrays import check_array, check_series
from mmbench.data.samples.audio import check_waveforms
from mmbench.data.samples.bag import BagCheck, has_arrays
from mmbench.data.samples.images import check_images
from mmbench.data.samples.tables import check_rows
from mmbench.data.samples.targets import check_targets
from mmbench.data.samples.texts import check_texts
from mmbench.data.samples.videos import check_clips
from mmbench.errors import DataError
from mmbench.storage import check_printable

Changes = MutableMapping[str, Counter[str]]
"""By modality, how many instances were changed in the conversion of samples, or noticed, by what was done."""

_CHECKS: Mapping[Kind, Callable[[Sequence[Any], BagCheck], Any]] = {
    "timeseries": check_series,
    "audio": check_waveforms,
    "image": check_images,
    "video": check_clips,
    "text": check_texts,
    "table": check_rows,
}


def check_sample(sample: Sample, schema: Schema, changes: Changes | None = None) -> Sample:
    """The sample as `write_samples` stores it; DataError, naming it, where it breaks the schema or is unusable.

    Arrays and tables are float32 ``(K, ...)``, texts UTF-8, audio at the rate of the modality, images of its size.
    What was changed is counted in ``changes``, unless the sample is unusable.
    """
    if not isinstance(sample.id, str):
        raise DataError(
            f"the id {sample.id!r} is of type {type(sample.id).__name__}, not str", remedy="give ids as str"
        )
    known = {modality.name for modality in schema.modalities}
    if unknown := sorted(set(sample.data) - known):
        raise DataError(f"has data for {', '.join(unknown)}, which the schema does not have", where=sample.id)
    _check_groups(sample, schema)
    _check_names(sample)
    _check_span(sample)
    _check_split(sample)
    check_targets(sample, schema)
    checks = [BagCheck(each, sample.id) for each in schema.modalities if each.name in sample.data]
    present = {check.modality.name: _check_presence(sample, check) for check in checks}
    data = {check.modality.name: _convert(sample, present[check.modality.name], check) for check in checks}
    stored = replace(sample, data=data, present=present)
    _check_inferred(stored, schema)
    for check in checks:
        if check.changes and changes is not None:
            changes.setdefault(check.modality.name, Counter()).update(check.changes)
    return stored


def _check_groups(sample: Sample, schema: Schema) -> None:
    for group in schema.groups:
        value = sample.groups.get(group)
        if value is None or value == "":
            raise DataError(
                f"declares no {group}", where=sample.id, remedy="the dataset must give every group of its schema"
            )
        if not isinstance(value, str):
            message = f"{group} is {value!r} of type {type(value).__name__}, not str"
            raise DataError(message, where=sample.id, remedy=f"give it as a str, such as {str(value)!r}")


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


def _check_split(sample: Sample) -> None:
    if sample.split is not None and sample.split not in get_args(Part):
        raise DataError(
            f"is in the part {sample.split!r} of the official split",
            where=sample.id,
            remedy=f"give one of {', '.join(get_args(Part))}, or None",
        )


def _check_presence(sample: Sample, check: BagCheck) -> NDArray[np.bool_]:
    """The presence of a bag that has the size of the modality."""
    name, size = check.modality.name, check.modality.instances
    data, marks = sample.data[name], sample.present.get(name)
    if not hasattr(data, "__len__") or isinstance(data, str | bytes | Mapping):
        raise check.error(f"is a {type(data).__name__}, not a bag of {size} instances")
    if len(data) != size:
        raise check.error(f"has {len(data)} instances, not {size}")
    if marks is not None and np.shape(marks) != (size,):
        raise DataError(f"present of {name} has the shape {np.shape(marks)}, not {(size,)}", where=sample.id)
    return presence(sample, check.modality)


def _convert(sample: Sample, present: NDArray[np.bool_], check: BagCheck) -> Any:
    """The bag of one modality as it is stored."""
    data, modality = sample.data[check.modality.name], check.modality
    if has_arrays(modality) and modality.kind != "table":
        return check_array(data, present, check)
    return _CHECKS[modality.kind]([item if there else None for item, there in zip(data, present, strict=True)], check)


def _check_inferred(sample: Sample, schema: Schema) -> None:
    for name, marks in sample.inferred.items():
        if name not in sample.data:
            raise DataError(f"has inferred instances of {name}, but no data of it", where=sample.id)
        modality = schema.modality(name)
        if np.shape(marks) != (modality.instances,) or np.asarray(marks).dtype != np.bool_:
            raise DataError(f"inferred of {name} is not bool {(modality.instances,)}", where=sample.id)
        if (marks & ~presence(sample, modality)).any():
            raise DataError(f"an instance of {name} is inferred and absent", where=sample.id)


def presence(sample: Sample, modality: Modality) -> NDArray[np.bool_]:
    """Which instances of a sample's bag are present, bool ``(K,)``: those that are not None nor marked as absent."""
    data = sample.data.get(modality.name)
    if data is None:
        return np.zeros(modality.instances, dtype=bool)
    here = np.ones(len(data), dtype=bool)
    if not isinstance(data, np.ndarray):
        here = np.array([item is not None for item in data], dtype=bool)
    mask = sample.present.get(modality.name)
    # A coded file, text or clip is absent where it is None; marks are for arrays.
    return here if mask is None or modality.kind in ("image", "video", "text") else here & np.asarray(mask, dtype=bool)


def inference(sample: Sample, modality: Modality) -> NDArray[np.bool_]:
    """Which instances of a sample's bag were inferred (`Sample.inferred`), bool ``(K,)``."""
    return np.asarray(sample.inferred.get(modality.name, np.zeros(modality.instances)), dtype=bool)
