"""Whether the numbers of a record follow from each other, and the records of a run from different trainings."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from mmbench.results.records import Record
from mmbench.training import METRICS, score_all

TOLERANCE = 1e-9
"""By how much two scores may differ that are the same: they are sums of a few hundred float64 ratios."""

_DISTINCT = 4  # rows of logits from which two arrays that agree to the bit were not predicted for different samples


def find_contradictions(record: Record) -> Iterator[str]:
    """What of a record contradicts its own logits, labels and history, a line each.

    The scores of the chosen epoch follow from its logits. Those of the last and of the oracle epoch do not; what can
    be said of them is that a score is possible for these labels, that the oracle is the best, and that one epoch has
    one score.
    """
    yield from _find_false_scores(record)
    yield from _find_false_epochs(record)
    yield from _find_impossible(record)


def find_repeated(records: Sequence[Record]) -> Iterator[str]:
    """What cannot be of trainings of their own among the records of one run, a line each: a sample that is tested in
    two folds, and logits that are those of another fold."""
    seen: dict[tuple[int, str], str] = {}
    for record in records:
        twice = sorted({sample for sample in record.ids if (record.seed, sample) in seen})
        if twice:
            before = seen[record.seed, twice[0]]
            yield f"sample {twice[0]} is tested in fold {before} and in fold {record.fold}, seed {record.seed}"
        seen |= {(record.seed, sample): record.fold for sample in record.ids}
    for one, other in combinations(records, 2):
        if one.fold != other.fold and have_same_logits(one, other):
            yield f"{_name(other)} has the logits of {_name(one)}, to the last bit"


def have_same_logits(one: Record, other: Record) -> bool:
    """Whether two records hold the same predictions to the bit, of samples that a model tells apart."""
    return one.logits == other.logits and len(set(one.logits)) >= min(_DISTINCT, len(one.logits)) > 1


def _name(record: Record) -> str:
    return f"fold {record.fold}, seed {record.seed}"


def _find_false_scores(record: Record) -> Iterator[str]:
    recorded, labels = record.scores["chosen"], np.array(record.labels, dtype=np.int64)
    for name, value in score_all(labels, record.predictions, len(record.logits[0])).items():
        if abs(value - recorded[name]) > TOLERANCE:
            yield f"{name} is recorded as {recorded[name]:.6f}, its predictions give {value:.6f}"


def _find_false_epochs(record: Record) -> Iterator[str]:
    epochs, history = record.epochs, record.history
    if len(history) != epochs["last"] + 1:
        yield f"its history has {len(history)} epochs, its last epoch is number {epochs['last'] + 1}"
        return
    if max(epochs.values()) > epochs["last"]:
        yield "it has scores of an epoch after its last one"
        return
    standing = [(epoch["validation_score"], -epoch["validation_loss"]) for epoch in history]
    best = max(range(len(standing)), key=lambda number: (standing[number], -number))
    if best != epochs["chosen"]:
        yield f"epoch {epochs['chosen'] + 1} is recorded as chosen, by its history validation chooses {best + 1}"
    for one, other in combinations(sorted(epochs), 2):
        if epochs[one] == epochs[other] and _differ(record, one, other):
            yield f"its {one} and its {other} epoch are the same, their scores are not"


def _differ(record: Record, one: str, other: str) -> bool:
    ours, theirs = record.scores[one], record.scores[other]
    return any(abs(ours[name] - theirs[name]) > TOLERANCE for name in METRICS)


def _find_impossible(record: Record) -> Iterator[str]:
    counts = np.bincount(np.array(record.labels, dtype=np.int64))
    for epoch, scores in record.scores.items():
        hits = scores["accuracy"] * counts.sum()
        if abs(hits - round(hits)) > 1e-6 or not all(-TOLERANCE <= scores[name] <= 1 + TOLERANCE for name in METRICS):
            yield f"the scores of its {epoch} epoch are impossible for {counts.sum()} samples"
        elif not _is_balanced(scores["balanced_accuracy"], round(hits), counts[counts > 0]):
            yield f"the balanced accuracy of its {epoch} epoch is impossible beside its accuracy"
    best = record.scores["oracle"]["balanced_accuracy"]
    for epoch in ("chosen", "last"):
        if record.scores[epoch]["balanced_accuracy"] > best + TOLERANCE:
            yield f"its best epoch by test labels scores below the {epoch} one"


def _is_balanced(score: float, hits: int, counts: NDArray[np.int64]) -> bool:
    """Whether so many hits can be spread over classes of these sizes to give this mean recall.

    It lies between that of filling the largest classes first and that of filling the smallest first.
    """
    least, most = (_fill(hits, sizes) for sizes in (np.sort(counts)[::-1], np.sort(counts)))
    return least - TOLERANCE <= score <= most + TOLERANCE


def _fill(hits: int, counts: NDArray[np.int64]) -> float:
    before = np.cumsum(counts) - counts
    return float(np.mean(np.clip(hits - before, 0, counts) / counts))
