"""Verdicts on whether one method scores significantly better than others, by paired tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mmbench.results.statistics.contrasts import ALPHA, Contrast, make_method_scores, pairwise_weights
from mmbench.results.statistics.intervals import Interval
from mmbench.results.statistics.outcomes import Outcomes

Word = Literal["significantly better", "significantly worse", "not significant", "identical"]
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Verdict:
    """A method compared with another one, ``against``.

    ``difference`` is the paired difference of scores in units of the metric, negative where a method with a lower error
    is better; its 95 % interval is simultaneous over all comparisons and excludes 0 exactly where ``p``, adjusted for
    their number, is below 0.05. ``raw_p`` is not adjusted; ``error`` and ``free`` are the standard error and its
    degrees of freedom. ``effect`` is Cohen's d of the units' differences; None if these do not vary.
    """

    against: str
    word: Word
    difference: Interval
    p: float
    raw_p: float
    error: float
    free: float
    effect: float | None


def make_verdicts(ours: Outcomes, others: Mapping[str, Outcomes]) -> list[Verdict]:
    """Verdicts on ``ours`` against each of ``others``: significantly better or worse where the adjusted p is below
    0.05, *identical* where the difference is exactly 0.

    Raises ValueError unless all are over the same samples.
    """
    if not others:
        return []
    scores = make_method_scores({"": ours, **others})
    weights = pairwise_weights([(0, at) for at in range(1, len(others) + 1)], len(others) + 1)
    found = scores.contrasts(weights)
    return [
        Verdict(
            against=name,
            word=_word(contrast, scores.sign),
            difference=contrast.interval,
            p=contrast.p,
            raw_p=contrast.raw_p,
            error=contrast.error,
            free=contrast.free,
            effect=effect_size(ours, other, scores.scale.unit),
        )
        for (name, other), contrast in zip(others.items(), found, strict=True)
    ]


def effect_size(ours: Outcomes, theirs: Outcomes, unit: float = 1.0) -> float | None:
    """Cohen's d (1988) of the units' differences of scores; None if these do not vary.

    Without the statistical units in which the score of either method is not defined. ``unit`` is that of the scale.
    """
    differences = ours.unit_scores - theirs.unit_scores
    differences = differences[np.isfinite(differences)]
    spread = float(np.std(differences, ddof=1)) if len(differences) > 1 else 0.0
    return float(np.mean(differences)) / spread if spread > _ROUNDING * unit else None


def _word(contrast: Contrast, sign: int) -> Word:
    if contrast.interval.mean == 0:
        return "identical"
    if contrast.p >= ALPHA:
        return "not significant"
    return "significantly better" if sign * contrast.interval.mean > 0 else "significantly worse"
