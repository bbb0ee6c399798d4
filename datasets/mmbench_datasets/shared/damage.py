"""Damaged files and unusable samples of a dataset, found by trying to read them."""

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


def find_unusable(outcomes: Iterable[object], damaged: Iterable[Problem] = ()) -> list[Problem]:
    """A problem of a sample for each DataError among the outcomes of reading, and one of the file where it is raised.

    A file that is among the ``damaged`` is not named again.
    """
    known, problems = {problem.path for problem in damaged}, list[Problem]()
    try:
        for outcome in outcomes:
            if isinstance(outcome, DataError):
                problems.append(Problem(str(outcome.where), outcome.message, outcome.remedy, concerns="sample"))
    except DataError as error:
        problems.append(Problem(str(error.where), error.message, error.remedy))
    return [problem for problem in problems if problem.path not in known]


def how_to_drop(remedy: str, what: str) -> str:
    """A remedy, or what leaves out ``what`` cannot be read: a text for DataError."""
    return f"{remedy}, or leave {what} out: mmbench run ... --bad drop"
