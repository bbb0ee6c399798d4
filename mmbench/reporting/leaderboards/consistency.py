"""Consistency checks of a leaderboard: records against its splits, its data and each other."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

from mmbench.data import FOLDS_FILE, FoldFile
from mmbench.reporting.leaderboards.boards import Board, read_folds
from mmbench.results import (
    MethodResult,
    Record,
    described_predictor,
    find_data_disagreements,
    find_prepared_store,
    have_same_logits,
    tested_samples,
)


def check_board(board: Board, cache: Path) -> list[str]:
    """The inconsistencies of a board, a line each; contradictions inside a record are found when it is read.

    Labels and units are compared with the prepared data in ``cache``, if there are some. Two runs of different
    methods with bitwise identical predictions are one run under two names.
    """
    folds = read_folds(board.folder)
    tested = tested_samples(folds)
    store = find_prepared_store(board.comparison.run, cache)
    lines = list(_check_folds(board, folds))
    for method in board.comparison.methods:
        wrong = find_data_disagreements(method.records, tested, store)
        lines += [f"{method.folder.name}, fold {record.fold}, seed {record.seed}: {line}" for record, line in wrong]
        lines += list(_find_copied_seeds(method))
    return [*lines, *_find_copied_runs(board.comparison.methods)]


def _check_folds(board: Board, folds: FoldFile) -> Iterator[str]:
    if folds.fingerprint != (wanted := board.comparison.run["fingerprint"]):
        yield f"{FOLDS_FILE} has fingerprint {folds.fingerprint}, the records {wanted}"
    for name in folds.overlapping:
        yield f"fold {name} has samples in two of its parts"


def _find_copied_seeds(method: MethodResult) -> Iterator[str]:
    """Seeds with identical logits in some folds only: a method is random in all folds or in none."""
    if method.is_elsewhere:  # how they were made is not known
        return
    by_fold: dict[str, list[Record]] = {}
    for record in method.records:
        by_fold.setdefault(record.fold, []).append(record)
    pairs = [pair for records in by_fold.values() for pair in combinations(records, 2)]
    same = [pair for pair in pairs if have_same_logits(*pair)]
    timed = [(one, other) for one, other in same if one.seconds == other.seconds]
    for one, other in same if len(same) < len(pairs) else timed:
        what = f"seed {other.seed} has the same logits as seed {one.seed}, bit for bit"
        yield f"{method.folder.name}, fold {one.fold}: {what}"


def _is_same_predictor(one: MethodResult, other: MethodResult) -> bool:
    """Whether two methods have the same fusion or estimator, whatever its parameters."""
    return described_predictor(one.run).name == described_predictor(other.run).name


def _find_copied_runs(methods: Sequence[MethodResult]) -> Iterator[str]:
    for one, other in combinations(methods, 2):
        if not (one.is_elsewhere or other.is_elsewhere) and _is_same_predictor(one, other):
            continue  # a parameter may change nothing
        theirs = {(record.fold, record.seed): record for record in other.records}
        for record in one.records:
            same = theirs.get((record.fold, record.seed))
            if same and have_same_logits(record, same) and record.parameters != same.parameters:
                where = f"fold {record.fold}, seed {record.seed}"
                yield f"{other.folder.name} has the same logits as {one.folder.name} in {where}, bit for bit"
                break
