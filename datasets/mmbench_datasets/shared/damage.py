"""Damaged files of a dataset, found by trying to read each."""

from collections.abc import Callable, Iterable
from pathlib import Path

from mmbench import DataError, Problem


def find_damaged(paths: Iterable[Path], examine: Callable[[Path], object]) -> list[Problem]:
    """A problem for each file for which ``examine`` raises DataError."""
    problems = []
    for path in paths:
        try:
            examine(path)
        except DataError as error:
            problems.append(Problem(str(path), error.message, error.remedy))
    return problems
