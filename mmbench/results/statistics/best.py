"""The set of best methods, and tests of scores above chance."""

from collections.abc import Mapping
from dataclasses import replace
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
    """The method with the best score, then those not significantly worse, the best first.

    A 95 % model confidence set (Hansen, Lunde & Nason 2011, Econometrica 79): while the most significant difference
    between any two remaining methods is significant, with p adjusted for all pairs, the worse of the two is removed.
    """
    remaining = make_method_scores(outcomes)
    while len(remaining.names) > 1 and (worse := _find_worse(remaining)) is not None:
        remaining = remaining.without({worse})
    order = sorted(range(len(remaining.names)), key=lambda at: -remaining.sign * remaining.scores[at])
    return [remaining.names[at] for at in order]


def above_chance(outcomes: Mapping[str, Outcomes], within_units: bool) -> dict[str, float]:
    """One-sided p of each method's score being better than chance, adjusted for the number of methods.

    Empty where the metric has no chance level: other than balanced accuracy none has one ``within_units``, since models
    of single units score above the constant by knowing the frequencies of their unit.
    """
    first = next(iter(outcomes.values()))
    chance = first.metrics[first.metric].chance
    if first.metric == "balanced_accuracy":
        scores = make_scores_over_chance(outcomes, within_units)
    elif within_units or chance is None:
        return {}
    else:
        scores = make_method_scores(outcomes)
        scores = replace(scores, scores=scores.sign * (scores.scores - chance))
    return dict(zip(scores.names, one_sided_above(scores).tolist(), strict=True))


def _find_worse(scores: MethodScores) -> int | None:
    """Index of the worse method of the most significant difference; None if none is significant."""
    pairs = list(combinations(range(len(scores.names)), 2))
    found = scores.contrasts(pairwise_weights(pairs, len(scores.names)))
    at = min(range(len(pairs)), key=lambda at: (found[at].p, found[at].raw_p))
    if found[at].p >= ALPHA:
        return None
    first, second = pairs[at]
    return second if scores.sign * found[at].interval.mean > 0 else first
