"""The statistical unit: subjects if there are any, since windows of one person are not independent."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray


def find_statistical_units(
    groups: Mapping[str, NDArray[np.str_]], ids: NDArray[np.str_]
) -> tuple[str, NDArray[np.str_]]:
    """Name of the statistical unit (subject, else trial, else sample), and the unit of each sample ``(n,)``."""
    for name in ("subject", "trial"):
        if name in groups and len(np.unique(groups[name])) > 1:
            return name, groups[name]
    return "sample", ids
