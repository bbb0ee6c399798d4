"""Whether one method is better than others: a word, with the numbers behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mmbench.metrics import Counts
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


def _word(difference: float, p: float) -> Word:
    if difference == 0:
        return "tie"
    if p >= ALPHA:
        return "no evidence"
    return "helps" if difference > 0 else "hurts"
