"""Paired differences of every two methods, adjusted for the number of pairs."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from mmbench.results.statistics.contrasts import ALPHA, make_method_scores, pairwise_weights
from mmbench.results.statistics.intervals import Interval
from mmbench.results.statistics.outcomes import Outcomes


@dataclass(frozen=True)
class Pair:
    """The difference of the score of ``first`` minus that of ``second``, in units of the metric.

    Its 95 % interval is simultaneous over all pairs and excludes 0 exactly where ``p``, adjusted for their number, is
    below 0.05.
    """

    first: str
    second: str
    difference: Interval
    p: float

    @property
    def is_significant(self) -> bool:
        """Whether p is below 0.05."""
        return self.p < ALPHA


def compare_pairs(outcomes: Mapping[str, Outcomes]) -> list[Pair]:
    """All pairs of methods, each in the order of ``outcomes``; ValueError unless all are over the same samples."""
    if len(outcomes) < 2:
        return []
    scores = make_method_scores(outcomes)
    pairs = list(combinations(range(len(scores.names)), 2))
    contrasts = scores.contrasts(pairwise_weights(pairs, len(scores.names)))
    return [
        Pair(scores.names[first], scores.names[second], contrast.interval, contrast.p)
        for (first, second), contrast in zip(pairs, contrasts, strict=True)
    ]
