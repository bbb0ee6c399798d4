"""The unit of every statistic: people where there are people, since windows of one person are not independent."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray


def find_statistical_units(
    groups: Mapping[str, NDArray[np.str_]], ids: NDArray[np.str_]
) -> tuple[str, NDArray[np.str_]]:
    """What varies in a statistic: subjects, else trials, else samples; its name and each sample's."""
    for name in ("subject", "trial"):
        if name in groups and len(np.unique(groups[name])) > 1:
            return name, groups[name]
    return "sample", ids
