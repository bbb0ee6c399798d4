"""Internal consistency of records: scores follow from predictions, and folds from separate trainings."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from mmbench.results.records import Record
from mmbench.training import METRICS, score_all

TOLERANCE = 1e-9
"""Tolerance for equal scores, which are sums of a few hundred float64 ratios."""

_DISTINCT = 4  # distinct rows of logits from which bitwise equal arrays count as copies


def find_contradictions(record: Record) -> Iterator[str]:
    """Contradictions between a record's scores and its logits, labels and history, a line each.

    Scores of the chosen epoch must follow from the logits. Those of the last and the oracle epoch must be possible for
    the labels, the oracle must be the best, and scores of the same epoch must be equal.
    """
    yield from _find_false_scores(record)
    yield from _find_false_epochs(record)
    yield from _find_impossible(record)


def find_repeated(records: Sequence[Record]) -> Iterator[str]:
    """Signs that records of one run are not from separate trainings, a line each: samples tested in two folds, and
    logits equal to those of another fold."""
    seen: dict[tuple[int, str], str] = {}
    for record in records:
        twice = sorted({sample for sample in record.ids if (record.seed, sample) in seen})
        if twice:
            before = seen[record.seed, twice[0]]
            yield f"sample {twice[0]} is tested in fold {before} and in fold {record.fold}, seed {record.seed}"
        seen |= {(record.seed, sample): record.fold for sample in record.ids}
    for one, other in combinations(records, 2):
        if one.fold != other.fold and have_same_logits(one, other):
            yield f"{_name(other)} has exactly the logits of {_name(one)}"


def have_same_logits(one: Record, other: Record) -> bool:
    """Whether two records have bitwise equal logits that are not all alike."""
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
        yield f"epoch {epochs['chosen'] + 1} is recorded as chosen, its history gives epoch {best + 1}"
    for one, other in combinations(sorted(epochs), 2):
        if epochs[one] == epochs[other] and _differ(record, one, other):
            yield f"its {one} and {other} epochs are the same, but their scores differ"


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
            yield f"its oracle epoch scores below the {epoch} epoch"


def _is_balanced(score: float, hits: int, counts: NDArray[np.int64]) -> bool:
    """Whether ``hits`` correct predictions in classes of these sizes can give this mean recall.

    The recall is least if the largest classes are filled first, and most if the smallest are.
    """
    least, most = (_fill(hits, sizes) for sizes in (np.sort(counts)[::-1], np.sort(counts)))
    return least - TOLERANCE <= score <= most + TOLERANCE


def _fill(hits: int, counts: NDArray[np.int64]) -> float:
    before = np.cumsum(counts) - counts
    return float(np.mean(np.clip(hits - before, 0, counts) / counts))
