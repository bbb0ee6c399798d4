"""The set of best methods."""

from collections.abc import Mapping
from itertools import combinations

from mmbench.results.statistics.contrasts import (
    ALPHA,
    MethodScores,
    make_method_scores,
    pairwise_weights,
)
from mmbench.results.statistics.outcomes import Outcomes


def find_leaders(outcomes: Mapping[str, Outcomes]) -> list[str]:
    """The method with the best score, then those not significantly worse, the best first.

    A 95 % model confidence set (Hansen, Lunde & Nason 2011, Econometrica 79): while the most significant difference
    between any two remaining methods is significant, with p adjusted for all pairs, the worse of the two is removed.
    """
    remaining = make_method_scores(outcomes)
    while len(remaining.names) > 1 and (worse := _find_worse(remaining)) is not None:
        remaining = remaining.without({worse})
    order = sorted(range(len(remaining.names)), key=lambda at: -remaining.sign * remaining.scores[at])
    return [remaining.names[at] for at in order]


def _find_worse(scores: MethodScores) -> int | None:
    """Index of the worse method of the most significant difference; None if none is significant."""
    pairs = list(combinations(range(len(scores.names)), 2))
    found = scores.contrasts(pairwise_weights(pairs, len(scores.names)))
    at = min(range(len(pairs)), key=lambda at: (found[at].p, found[at].raw_p))
    if found[at].p >= ALPHA:
        return None
    first, second = pairs[at]
    return second if scores.sign * found[at].interval.mean > 0 else first
