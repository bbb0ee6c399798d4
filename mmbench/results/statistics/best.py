"""The set of best methods, and which methods score above chance."""

from collections.abc import Mapping
from itertools import combinations

from mmbench.results.statistics.contrasts import (
    ALPHA,
    MethodScores,
    make_method_scores,
    make_scores_over_chance,
    one_sided_above,
    pairwise_weights,
)
from mmbench.results.statistics.outcomes import Outcomes


def find_leaders(outcomes: Mapping[str, Outcomes]) -> list[str]:
    """The method of the highest balanced accuracy, and after it, by their scores, those not significantly worse.

    A model confidence set (Hansen, Lunde & Nason 2011, Econometrica 79): while the largest difference between any two
    of the methods left is significant, with p adjusted for all pairs, the worse of the two is taken out. Where all are
    equal none is left out in 95 % of comparisons.
    """
    left = make_method_scores(outcomes)
    while len(left.names) > 1 and (worse := _worst(left)) is not None:
        left = left.without({worse})
    order = sorted(range(len(left.names)), key=lambda at: -left.scores[at])
    return [left.names[at] for at in order]


def above_chance(outcomes: Mapping[str, Outcomes], within_units: bool) -> dict[str, float]:
    """The p of each method's balanced accuracy above guessing, one-sided and adjusted for the number of methods."""
    field = make_scores_over_chance(outcomes, within_units)
    return dict(zip(field.names, one_sided_above(field).tolist(), strict=True))


def _worst(field: MethodScores) -> int | None:
    """The worse method of the most significant difference; None where none is significant."""
    pairs = list(combinations(range(len(field.names)), 2))
    found = field.contrasts(pairwise_weights(pairs, len(field.names)))
    at = min(range(len(pairs)), key=lambda at: (found[at].p, found[at].raw_p))
    if found[at].p >= ALPHA:
        return None
    first, second = pairs[at]
    return second if found[at].interval.mean > 0 else first
