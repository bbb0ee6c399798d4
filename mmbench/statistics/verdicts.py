"""Whether one method is better than others: a word, with the numbers behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mmbench.metrics import METRICS, Counts
from mmbench.statistics.intervals import Interval, difference_intervals
from mmbench.statistics.paired import cohens_dz, holm, permutation_p, unit_differences, wilcoxon_p

Word = Literal["helps", "no evidence", "hurts", "tie"]
METRIC = "balanced_accuracy"
ALPHA = 0.05


@dataclass(frozen=True)
class Verdict:
    """One method against another.

    ``difference`` is that of balanced accuracy with its paired 95 % interval; ``p`` that of the permutation test,
    adjusted by Holm for the number of comparisons, as is ``wilcoxon``; ``effect`` is Cohen's d of the units'
    differences, None where all are equal.
    """

    against: str
    word: Word
    difference: Interval
    p: float
    wilcoxon: float
    effect: float | None


def judge(ours: Sequence[Counts], others: Mapping[str, Sequence[Counts]]) -> list[Verdict]:
    """Verdicts on ``ours`` against each of ``others``: *helps* or *hurts* where the adjusted p is below 0.05.

    A *tie* is a difference of exactly nothing. Counts are one ``(U, C, C)`` per training seed, over the same units.
    """
    adjusted = holm([permutation_p(ours, theirs) for theirs in others.values()])
    differences = {name: unit_differences(ours, theirs) for name, theirs in others.items()}
    ranked = holm([wilcoxon_p(each) for each in differences.values()])
    verdicts = []
    for (name, theirs), p, wilcoxon in zip(others.items(), adjusted, ranked, strict=True):
        difference = difference_intervals(ours, theirs)[METRIC]
        verdicts.append(Verdict(name, _word(difference.mean, p), difference, p, wilcoxon, cohens_dz(differences[name])))
    return verdicts


def find_leaders(counts: Mapping[str, Sequence[Counts]]) -> list[str]:
    """The method of the highest balanced accuracy, and after it, by their scores, those that no evidence tells from it.

    Counts as in `judge`. No method is told from the best of them where the adjusted p is not below 0.05.
    """
    best, *others = sorted(counts, key=lambda name: _mean_score(counts[name]), reverse=True)
    verdicts = judge(counts[best], {name: counts[name] for name in others})
    return [best, *(verdict.against for verdict in verdicts if verdict.word in ("no evidence", "tie"))]


def _mean_score(seeds: Sequence[Counts]) -> float:
    return float(np.mean([METRICS[METRIC](counts.sum(axis=0)) for counts in seeds]))


def _word(difference: float, p: float) -> Word:
    if difference == 0:
        return "tie"
    if p >= ALPHA:
        return "no evidence"
    return "helps" if difference > 0 else "hurts"
