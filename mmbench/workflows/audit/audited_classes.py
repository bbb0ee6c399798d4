"""Classes that an audit predicts: those of the task, or classes made from its labels or values.

A split leaks or not whatever is predicted, so that labels and values are audited by one class made from them: the label
that is nearest to being true for one half of the samples, or thirds of the first target.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Task
from mmbench.errors import SpecError

_PARTS = {2: ("low", "high"), 3: ("low", "middle", "high")}


@dataclass(frozen=True)
class AuditedClasses:
    """Class indices ``labels`` ``(n,)`` of the labelled samples, and their ``names``.

    ``made_from`` says how they were made, for the result of the audit; empty for the classes of the task.
    """

    labels: NDArray[np.int64]
    names: tuple[str, ...]
    made_from: str = ""


def find_audited_classes(target: NDArray[np.generic], task: Task) -> AuditedClasses:
    """The classes of labelled samples from their targets ``(n,)`` or ``(n, n_outputs)``.

    Raises SpecError where all samples have the same label or value.
    """
    if task.kind == "class":
        return AuditedClasses(target.astype(np.int64), task.names)
    return _of_labels(target, task) if task.kind == "labels" else _of_values(target, task)


def _of_labels(target: NDArray[np.generic], task: Task) -> AuditedClasses:
    shares = target.astype(np.float64).mean(axis=0)
    at = int(np.abs(shares - 0.5).argmin())
    if shares[at] in (0.0, 1.0):
        raise SpecError("every sample has the same labels", where="audit", remedy="audit a task whose labels vary")
    name = task.names[at]
    return AuditedClasses(target[:, at].astype(np.int64), (f"not {name}", name), f"the label {name}, true or not")


def _of_values(target: NDArray[np.generic], task: Task) -> AuditedClasses:
    values, name = target[:, 0].astype(np.float64), task.names[0]
    for n_parts, parts in sorted(_PARTS.items(), reverse=True):
        # Equal values stay in one part.
        edges = np.quantile(values, np.arange(1, n_parts) / n_parts)
        labels = np.searchsorted(edges, values, side="left")
        if len(np.unique(labels)) == n_parts:
            what = "halves" if n_parts == 2 else "thirds"
            return AuditedClasses(labels.astype(np.int64), parts, f"{what} of {name}")
    labels = (values > values.min()).astype(np.int64)
    if not labels.any():
        raise SpecError(f"every sample has the same {name}", where="audit", remedy="audit a task whose values vary")
    return AuditedClasses(labels, _PARTS[2], f"{name} at its minimum, or above")
