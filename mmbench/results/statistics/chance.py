"""Tests of scores above chance level."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mmbench.results.statistics.contrasts import make_method_scores, make_scores_over_chance, one_sided_above
from mmbench.results.statistics.outcomes import Outcomes

FEWEST_OF_ONE_CLASS = 10
"""Units of one class each from which scores are tested against chance.

With fewer, networks that learn noise pass a test too often: all trainings share most of their samples, so that nearly
all units are right or wrong together, and a variance between them says little. `benchmarks/calibrating/trials.py` draws
such data.
"""


def above_chance(outcomes: Mapping[str, Outcomes], within_units: bool) -> dict[str, float]:
    """One-sided p of each method's score being better than chance, adjusted for the number of methods.

    Empty where the metric has no chance level: other than balanced accuracy none has one ``within_units``, since models
    of single units score above the constant by knowing the frequencies of their unit. Empty too where there are too few
    units (`has_too_few_units`).
    """
    first = next(iter(outcomes.values()))
    chance = first.metrics[first.metric].chance
    if has_too_few_units(first):
        return {}
    if first.metric == "balanced_accuracy":
        scores = make_scores_over_chance(outcomes, within_units)
    elif within_units or chance is None:
        return {}
    else:
        scores = make_method_scores(outcomes)
        scores = replace(scores, scores=scores.sign * (scores.scores - chance))
    return dict(zip(scores.names, one_sided_above(scores).tolist(), strict=True))


def has_too_few_units(outcomes: Outcomes) -> bool:
    """Whether fewer than `FEWEST_OF_ONE_CLASS` units, of one class each, share their trainings.

    Such are the trials of one person. Units that have all their trainings for themselves are independent.
    """
    if outcomes.kind != "class" or outcomes.n_units >= FEWEST_OF_ONE_CLASS:
        return False
    pairs = np.unique(np.stack([outcomes.unit, outcomes.labels]), axis=1)
    return pairs.shape[1] == outcomes.n_units and not outcomes.linearise(outcomes.metric).has_own_trainings
