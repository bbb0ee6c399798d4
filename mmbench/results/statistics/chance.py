"""Tests of scores above chance level."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mmbench.results.statistics.contrasts import make_method_scores, make_scores_over_chance, one_sided_above
from mmbench.results.statistics.outcomes import Outcomes
from mmbench.storage import counted, plural_of

_BALANCED = "balanced_accuracy"
FEWEST_OF_ONE_CLASS = 10
"""Units of one class each from which scores are tested against chance.

With fewer, networks that learn noise pass a test too often: all trainings share most of their samples, so that nearly
all units are right or wrong together, and a variance between them says little. `benchmarks/calibrating/trials.py` draws
such data.
"""


def above_chance(outcomes: Mapping[str, Outcomes], within_units: bool) -> dict[str, float]:
    """One-sided p of each method's score being better than chance, adjusted for the number of methods.

    Empty where there is no test (`find_untested_reason`).
    """
    first = next(iter(outcomes.values()))
    chance = first.metrics[first.metric].chance
    if find_untested_reason(first, within_units):
        return {}
    if first.metric == _BALANCED:
        scores = make_scores_over_chance(outcomes, within_units)
    else:
        scores = make_method_scores(outcomes)
        scores = replace(scores, scores=scores.sign * (scores.scores - (chance or 0.0)))
    return dict(zip(scores.names, one_sided_above(scores).tolist(), strict=True))


def find_untested_reason(outcomes: Outcomes, within_units: bool, unit: str = "unit") -> str:
    """Why no score is tested against chance; "" if scores are. ``unit`` is the word for a statistical unit.

    Other than balanced accuracy no metric has a chance level ``within_units``, since models that know the units score
    above the constant by knowing the frequencies of each unit.
    """
    metric = outcomes.metrics[outcomes.metric]
    if outcomes.metric != _BALANCED and metric.chance is None:
        return f"not tested: {metric.title} has no chance level"
    if outcomes.metric != _BALANCED and within_units:
        known = f"{plural_of(unit)} that a model was trained on, whose frequencies it may know"
        return f"not tested: {metric.title} has no chance level for {known}"
    if _has_too_few_units(outcomes):
        units = counted(outcomes.n_units, unit)
        return f"not tested with {units} of one class each; {FEWEST_OF_ONE_CLASS} or more are needed"
    return ""


def _has_too_few_units(outcomes: Outcomes) -> bool:
    """Whether fewer than `FEWEST_OF_ONE_CLASS` units, of one class each, share their trainings.

    Such are the trials of one person. Units that have all their trainings for themselves are independent.
    """
    if outcomes.kind != "class" or outcomes.n_units >= FEWEST_OF_ONE_CLASS:
        return False
    pairs = np.unique(np.stack([outcomes.unit, outcomes.labels]), axis=1)
    return pairs.shape[1] == outcomes.n_units and not outcomes.linearise(outcomes.metric).has_own_trainings
