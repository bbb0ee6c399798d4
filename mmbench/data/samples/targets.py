"""Targets of tasks: checked in samples, as arrays, and checked in prepared files."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Sample, Schema, Target, Task
from mmbench.errors import DataError

UNLABELLED = -1
_LARGEST = 1e100  # of a value: its square, summed over all samples, must be finite
_UNKNOWN = "leave the label out where it is not known"
_REMEDIES = {
    "class": "give the index of the class in the task, from 0",
    "labels": "give 0 or 1 for each label, in the order of the task",
    "values": f"give a number for each target, or {_UNKNOWN}",
}


def check_targets(sample: Sample, schema: Schema) -> None:
    """DataError, naming the sample, for a target that its task cannot have."""
    for name, target in sample.labels.items():
        if name not in schema.tasks:
            raise DataError(f"is labelled for {name!r}, which the schema does not have", where=sample.id)
        task = schema.tasks[name]
        check = {"class": _class_fault, "labels": _labels_fault, "values": _values_fault}[task.kind]
        if fault := check(target, task, name):
            remedy = _UNKNOWN if "NaN" in fault else _REMEDIES[task.kind]
            raise DataError(fault, where=sample.id, remedy=remedy)


def stack_targets(targets: Sequence[Target | None], task: Task) -> NDArray[Any]:
    """Targets of all samples, None where one is not labelled, as they are stored.

    Class indices int64 ``(N,)``, -1 where unlabelled; labels int64 ``(N, L)`` of 0 and 1, with rows of -1; values
    float64 ``(N, V)``, with rows of NaN.
    """
    dtype, shape = target_layout(task, len(targets))
    stacked = np.full(shape, np.nan if task.kind == "values" else UNLABELLED, dtype=dtype)
    for row, target in enumerate(targets):
        if target is not None:
            stacked[row] = target
    return stacked


def target_layout(task: Task, n: int) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """The type and the shape of the stored targets of ``n`` samples."""
    dtype = np.dtype(np.float64 if task.kind == "values" else np.int64)
    return dtype, (n,) if task.kind == "class" else (n, task.n_outputs)


def are_targets_valid(stored: NDArray[Any], task: Task) -> bool:
    """Whether stored targets are those of the task, in rows that are labelled or unlabelled as a whole.

    No copy of them is made, which freed memory would hold while a model is trained.
    """
    if not stored.size:
        return True
    if task.kind == "class":
        return bool(UNLABELLED <= stored.min() <= stored.max() < task.n_outputs)
    known = np.isfinite(stored) if task.kind == "values" else stored != UNLABELLED
    unknown = np.isnan(stored) if task.kind == "values" else ~known
    in_range = task.kind == "values" or UNLABELLED <= stored.min() <= stored.max() <= 1
    return bool(in_range and (known.all(axis=1) | unknown.all(axis=1)).all())


def _class_fault(target: Any, task: Task, name: str) -> str:
    if not isinstance(target, int | np.integer):
        return f"label {target!r} of {name!r} is of type {type(target).__name__}, not int"
    if not 0 <= target < task.n_outputs:
        return f"label {target} of {name!r} is outside 0-{task.n_outputs - 1}"
    return ""


def _labels_fault(target: Any, task: Task, name: str) -> str:
    items = _items(target)
    if items is None or len(items) != task.n_outputs:
        return f"{_shown(target)} of {name!r} is not a sequence of {task.n_outputs} labels"
    wrong = [item for item in items if not isinstance(item, int | np.integer | np.bool_) or item not in (0, 1)]
    return f"the labels of {name!r} hold {wrong[0]!r}, which is neither 0 nor 1" if wrong else ""


def _values_fault(target: Any, task: Task, name: str) -> str:
    items = [target] if isinstance(target, Real) and task.n_outputs == 1 else _items(target)
    if items is None or len(items) != task.n_outputs:
        wanted = "a number" if task.n_outputs == 1 else f"a sequence of {task.n_outputs} numbers"
        return f"{_shown(target)} of {name!r} is not {wanted}"
    for target_name, item in zip(task.names, items, strict=True):
        if not isinstance(item, Real) or isinstance(item, bool):
            return f"{target_name} of {name!r} is {item!r} of type {type(item).__name__}, not a number"
        if not np.isfinite(float(item)):
            return f"{target_name} of {name!r} is {'NaN' if np.isnan(float(item)) else 'infinite'}"
        if abs(float(item)) > _LARGEST:
            return f"{target_name} of {name!r} is {item!r}, whose square is too large: give it in another unit"
    return ""


def _items(target: Any) -> list[Any] | None:
    """The elements of a sequence or an array with one axis; None for anything else, such as a text."""
    if isinstance(target, np.ndarray):
        return list(target) if target.ndim == 1 else None
    return list(target) if isinstance(target, Sequence) and not isinstance(target, str | bytes) else None


def _shown(target: Any) -> str:
    text = f"{target!r}"
    return f"the target {text if len(text) < 60 else f'{text[:57]}...'}"
