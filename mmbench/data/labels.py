"""Labels of one task as an array with a row for each sample: which rows are labelled, hidden, or equal.

One class: int64 ``(N,)``, -1 where a sample is not labelled. Several labels: int64 ``(N, L)`` of 0 and 1, rows of -1.
Values: float64 ``(N, V)``, rows of NaN.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[Any]


def find_labelled(labels: Labels) -> NDArray[np.int64]:
    """The rows that are labelled."""
    missing = np.isnan(labels) if labels.dtype.kind == "f" else labels == -1
    return np.flatnonzero(~(missing if labels.ndim == 1 else missing.all(axis=1)))


def hide_labels(labels: Labels, hidden: NDArray[np.bool_]) -> None:
    """Mark the rows ``hidden`` as not labelled, in place."""
    labels[hidden] = np.nan if labels.dtype.kind == "f" else -1


def number_labels(labels: Labels) -> NDArray[np.int64]:
    """A number for each row ``(N,)``, equal for equal labels: the class itself where there is one."""
    if labels.ndim == 1:
        return labels
    return np.unique(labels, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
