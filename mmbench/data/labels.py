"""Labels of one task as an array with a row for each sample: how they are checked, stored, and marked as missing.

One class: int64 ``(N,)``, -1 where a sample is not labelled. Several labels: int64 ``(N, L)`` of 0 and 1, rows of -1.
Values: float64 ``(N, V)``, rows of NaN.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Sample, Task
from mmbench.errors import DataError

Labels = NDArray[Any]

_INDEX = "give the index of the class in the task, from 0"


def label_shape(task: Task) -> tuple[int, ...]:
    """The shape of one sample's label."""
    return () if task.kind == "class" else (task.n_outputs,)


def label_type(task: Task) -> str:
    """The NumPy type of the labels of a task."""
    return "float64" if task.kind == "values" else "int64"


def collect_labels(samples: Sequence[Sample], name: str, task: Task) -> Labels:
    """The checked labels of samples for the task ``name``."""
    labels = np.full((len(samples), *label_shape(task)), np.nan if task.kind == "values" else -1, label_type(task))
    for row, sample in enumerate(samples):
        if name in sample.labels:
            labels[row] = sample.labels[name]
    return labels


def find_labelled(labels: Labels) -> NDArray[np.int64]:
    """The rows that are labelled."""
    return np.flatnonzero(~_is_missing(labels))


def hide_labels(labels: Labels, hidden: NDArray[np.bool_]) -> None:
    """Mark the rows ``hidden`` as not labelled, in place."""
    labels[hidden] = np.nan if labels.dtype.kind == "f" else -1


def number_labels(labels: Labels) -> NDArray[np.int64]:
    """A number for each row ``(N,)``, equal for equal labels: the class itself where there is one."""
    if labels.ndim == 1:
        return labels
    return np.unique(labels, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def are_valid(labels: Labels, task: Task) -> bool:
    """Whether every row is a label of the task or marked as missing."""
    known = labels[~_is_missing(labels)]
    if task.kind == "values":
        return bool(np.isfinite(known).all())
    return bool(((known >= 0) & (known < (task.n_outputs if task.kind == "class" else 2))).all())


def _is_missing(labels: Labels) -> NDArray[np.bool_]:
    missing = np.isnan(labels) if labels.dtype.kind == "f" else labels == -1
    return np.asarray(missing if labels.ndim == 1 else missing.all(axis=1))


def check_label(sample: Sample, name: str, task: Task) -> None:
    """Raise DataError, naming the sample, unless its label of the task ``name`` is valid."""
    label = sample.labels[name]
    if task.kind == "class":
        _check_class(label, sample, name, task)
        return
    rows: Any = label if task.kind == "labels" or np.ndim(label) else [label]
    try:
        values = np.asarray(rows)
        if values.dtype.kind not in ("biu" if task.kind == "labels" else "iuf"):
            raise TypeError
    except (TypeError, ValueError):
        what = "0 or 1 for each label" if task.kind == "labels" else "a number for each target"
        raise DataError(
            f"label {_shown(label)} of {name!r} is not {what}", where=sample.id, remedy=f"give {what}"
        ) from None
    if values.shape != (task.n_outputs,):
        raise DataError(
            f"label of {name!r} has the shape {values.shape}, not {(task.n_outputs,)}",
            where=sample.id,
            remedy=f"give one for each of {', '.join(task.names)}",
        )
    if task.kind == "labels" and not np.isin(values, (0, 1)).all():
        raise DataError(f"label {_shown(label)} of {name!r} has other values than 0 and 1", where=sample.id)
    if task.kind == "values" and not np.isfinite(values).all():
        raise DataError(
            f"label {_shown(label)} of {name!r} is NaN or infinite",
            where=sample.id,
            remedy="leave the task out of the labels of a sample whose target is missing",
        )


def _check_class(label: Any, sample: Sample, name: str, task: Task) -> None:
    if not isinstance(label, int | np.integer):
        raise DataError(
            f"label {label!r} of {name!r} is of type {type(label).__name__}, not int", where=sample.id, remedy=_INDEX
        )
    if not 0 <= label < task.n_outputs:
        raise DataError(f"label {label} of {name!r} is outside 0-{task.n_outputs - 1}", where=sample.id)


def _shown(label: Any) -> str:
    text = " ".join(repr(label).split())
    return text if len(text) <= 60 else f"{text[:60]}..."
