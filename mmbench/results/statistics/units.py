"""The statistical unit: the coarsest group that samples share, since windows of one person are not independent."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mmbench.data import rank_groups


def find_statistical_units(
    groups: Mapping[str, NDArray[np.str_]], ids: NDArray[np.str_]
) -> tuple[str, NDArray[np.str_]]:
    """Name of the statistical unit, and the unit of each sample ``(n,)``.

    Subjects; where there is only one, its trials, or without trials its sessions or other groups. Without subjects, the
    kind of group with the fewest names, such as the video or the speaker of a clip. Samples where there is no such
    group or it has one name only. The protocol has no influence, so that runs under different protocols have the same
    units.
    """
    candidates = rank_groups(groups)
    if "subject" in groups:
        candidates.sort(key=lambda name: ("subject", "trial", name).index(name))
    for name in candidates:
        if name in groups and len(np.unique(groups[name])) > 1:
            return name, groups[name]
    return "sample", ids
