"""The unit of every statistic: people where there are people, since windows of one person are not independent."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mmbench.metrics import Counts


def unit_of(groups: Mapping[str, NDArray[np.str_]], ids: NDArray[np.str_]) -> tuple[str, NDArray[np.str_]]:
    """What is resampled: subjects, else trials, else samples; its name and each sample's."""
    for name in ("subject", "trial"):
        if name in groups and len(np.unique(groups[name])) > 1:
            return name, groups[name]
    return "sample", ids


def unit_counts(
    labels: NDArray[np.int64], predictions: NDArray[np.int64], units: NDArray[np.str_], n_classes: int
) -> Counts:
    """Confusion matrices ``(U, C, C)``, one a unit in sorted order."""
    _, index = np.unique(units, return_inverse=True)
    cells = n_classes * n_classes
    flat = np.bincount(index * cells + labels * n_classes + predictions, minlength=(index.max() + 1) * cells)
    return flat.reshape(-1, n_classes, n_classes).astype(np.float64)
