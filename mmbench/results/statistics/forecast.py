"""Smallest significant difference of a comparison, estimated from its test samples before training."""

import numpy as np

from mmbench.results.statistics.contrasts import ALPHA
from mmbench.results.statistics.distributions import t_quantile
from mmbench.results.statistics.outcomes import Outcomes
from mmbench.results.statistics.variance import OVERLAP, make_comparison_design

ASSUMED_DEVIATION = 0.1
"""Assumed standard deviation between units of the difference of two methods; recordings show .05 to .15."""


def smallest_significant_difference(outcomes: Outcomes, comparisons: int) -> float | None:
    """The smallest significant difference of balanced accuracy if units deviate by `ASSUMED_DEVIATION`.

    ``outcomes`` have the number of seeds to be run; their predictions are not used. None if no test is possible
    because all samples of a class are of one unit.
    """
    ratios = outcomes.ratios("balanced_accuracy")
    design = make_comparison_design(ratios)
    if not design.units:
        return None
    one_seed = ratios.n_seeds == 1 and ratios.n_folds < ratios.n_units
    free = min(design.units, design.trainings) if one_seed else design.units
    weight = ratios.unit_share.sum(axis=1) / max(int((ratios.totals > 0).sum()), 1)
    error = ASSUMED_DEVIATION * np.sqrt((1 + OVERLAP * design.overlaps) * np.square(weight).sum())
    return float(t_quantile(1 - ALPHA / 2 / max(comparisons, 1), free) * error)
