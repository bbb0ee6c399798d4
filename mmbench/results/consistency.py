"""Internal consistency of records: scores follow from predictions, and folds from separate trainings."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Metric
from mmbench.registry import orient
from mmbench.results.elsewhere.origin import has_scores, is_elsewhere
from mmbench.results.records import Record
from mmbench.results.scoring import scoring_of
from mmbench.training import score_outputs

TOLERANCE = 1e-9
"""Tolerance for equal scores, which are sums of a few hundred float64 ratios; relative where scores are above 1."""

_DISTINCT = 4  # distinct rows of logits from which bitwise equal arrays count as copies


def find_contradictions(record: Record) -> Iterator[str]:
    """Contradictions between a record's scores and its logits, labels and history, a line each.

    Scores of the chosen epoch must follow from the logits. Those of the last and the oracle epoch must be possible for
    the labels, the oracle must be the best, and scores of the same epoch must be equal. Predictions made elsewhere have
    scores of one epoch only.
    """
    yield from _find_false_scores(record)
    if is_elsewhere(record.run):
        return
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
    """Whether two records have bitwise equal logits that are not all alike; predicted classes alone are no logits."""
    return has_scores(one.run) and has_scores(other.run) and _are_same(one, other)


def _are_same(one: Record, other: Record) -> bool:
    return one.logits == other.logits and len(set(one.logits)) >= min(_DISTINCT, len(one.logits)) > 1


def _name(record: Record) -> str:
    return f"fold {record.fold}, seed {record.seed}"


def _metrics(record: Record) -> dict[str, Metric]:
    return scoring_of(record.run).find_metrics()


def _are_equal(one: float, other: float) -> bool:
    return abs(one - other) <= TOLERANCE * max(1.0, abs(one))


def _find_false_scores(record: Record) -> Iterator[str]:
    recorded, outputs = record.scores["chosen"], np.array(record.logits, dtype=np.float64)
    for name, value in score_outputs(_metrics(record), np.array(record.labels), outputs).items():
        if not _are_equal(value, recorded[name]):
            yield f"{name} is recorded as {recorded[name]:.6f}, its predictions give {value:.6f}"


def _find_false_epochs(record: Record) -> Iterator[str]:
    epochs, history = record.epochs, record.history
    if len(history) != epochs["last"] + 1:
        yield f"its history has {len(history)} epochs, its last epoch is number {epochs['last'] + 1}"
        return
    if max(epochs.values()) > epochs["last"]:
        yield "it has scores of an epoch after its last one"
        return
    metric = _metrics(record)[scoring_of(record.run).metric]
    standing = [(orient(metric, epoch["validation_score"]), -epoch["validation_loss"]) for epoch in history]
    best = max(range(len(standing)), key=lambda number: (standing[number], -number))
    if best != epochs["chosen"]:
        yield f"epoch {epochs['chosen'] + 1} is recorded as chosen, its history gives epoch {best + 1}"
    for one, other in combinations(sorted(epochs), 2):
        if epochs[one] == epochs[other] and _differ(record, one, other):
            yield f"its {one} and {other} epochs are the same, but their scores differ"


def _differ(record: Record, one: str, other: str) -> bool:
    ours, theirs = record.scores[one], record.scores[other]
    return any(not _are_equal(ours[name], theirs[name]) for name in scoring_of(record.run).metrics)


def _find_impossible(record: Record) -> Iterator[str]:
    metrics, chosen_by = _metrics(record), scoring_of(record.run).metric
    for epoch, scores in record.scores.items():
        if not all(_is_within_bounds(metric, scores[name]) for name, metric in metrics.items()):
            yield f"the scores of its {epoch} epoch are impossible for {len(record.ids)} samples"
        else:
            yield from _find_impossible_counts(record, epoch)
    best = orient(metrics[chosen_by], record.scores["oracle"][chosen_by])
    for epoch in ("chosen", "last"):
        score = orient(metrics[chosen_by], record.scores[epoch][chosen_by])
        if score > best and not _are_equal(score, best):
            yield f"its oracle epoch scores below the {epoch} epoch"


def _is_within_bounds(metric: Metric, score: float) -> bool:
    least, most = metric.bounds
    return least - TOLERANCE <= score <= most + TOLERANCE


def _find_impossible_counts(record: Record, epoch: str) -> Iterator[str]:
    """Accuracy that is no number of samples, or does not go with the balanced accuracy."""
    scores = record.scores[epoch]
    if not {"accuracy", "balanced_accuracy"} <= set(scoring_of(record.run).metrics):
        return
    counts = np.bincount(np.array(record.labels, dtype=np.int64))
    hits = scores["accuracy"] * counts.sum()
    if abs(hits - round(hits)) > 1e-6:
        yield f"the scores of its {epoch} epoch are impossible for {counts.sum()} samples"
    elif not _is_balanced(scores["balanced_accuracy"], round(hits), counts[counts > 0]):
        yield f"the balanced accuracy of its {epoch} epoch is impossible beside its accuracy"


def _is_balanced(score: float, hits: int, counts: NDArray[np.int64]) -> bool:
    """Whether ``hits`` correct predictions in classes of these sizes can give this mean recall.

    The recall is least if the largest classes are filled first, and most if the smallest are.
    """
    least, most = (_fill(hits, sizes) for sizes in (np.sort(counts)[::-1], np.sort(counts)))
    return least - TOLERANCE <= score <= most + TOLERANCE


def _fill(hits: int, counts: NDArray[np.int64]) -> float:
    before = np.cumsum(counts) - counts
    return float(np.mean(np.clip(hits - before, 0, counts) / counts))
