"""Whether what a leaderboard shows follows from its predictions, and its splits are what their fingerprint says."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from mmbench.hashing import digest
from mmbench.leaderboards.boards import PARTS, Board, read_folds
from mmbench.metrics import score_all
from mmbench.records import Record


def check_board(board: Board) -> list[str]:
    """What is wrong with a board, a line each; nothing where every number that predictions tell is what they tell.

    Scores of the last and of the oracle epoch do not follow from the predictions of the chosen one; that the oracle
    is not below it is all that can be said. Training the fold again tells the rest (`repeat_fold`).
    """
    folds = {fold["name"]: fold for fold in read_folds(board.folder)}
    lines = list(_check_folds(board, folds))
    for method in board.comparison.methods:
        for record in method.records:
            wrong = _check_record(record, folds.get(record.fold))
            lines += [f"{method.folder.name}, fold {record.fold}, seed {record.seed}: {line}" for line in wrong]
    return lines


def _check_folds(board: Board, folds: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    listed = [[name, *(sorted(fold[part]) for part in PARTS)] for name, fold in folds.items()]
    found = digest(listed)[:12]
    if found != board.comparison.run["fingerprint"]:
        yield f"folds.json has fingerprint {found}, the records {board.comparison.run['fingerprint']}"
    for name, fold in folds.items():
        parts = [set(fold[part]) for part in PARTS]
        if len(set.union(*parts)) < sum(map(len, parts)):
            yield f"fold {name} has samples in two of its parts"


def _check_record(record: Record, fold: Mapping[str, Any] | None) -> Iterator[str]:
    if fold is None:
        yield "folds.json has no such fold"
    elif list(record.ids) != list(fold["test"]):
        yield "its samples are not the test part of its fold"
    labels = np.array(record.labels, dtype=np.int64)
    told = record.scores["chosen"]
    for name, value in score_all(labels, record.predictions, len(record.run["classes"])).items():
        if abs(value - told[name]) > 1e-12:
            yield f"{name} is told as {told[name]:.6f}, its predictions give {value:.6f}"
    if record.scores["oracle"]["balanced_accuracy"] < told["balanced_accuracy"] - 1e-12:
        yield "its best epoch by test labels scores below the chosen one"
