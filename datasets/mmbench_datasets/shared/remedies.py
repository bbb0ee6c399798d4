"""Remedies for the files of samples and units that cannot be read, in the words of all readers."""

from pathlib import Path
from typing import Literal

from mmbench import Card, DataError, Problem

DROP = "mmbench run … --bad drop leaves it out"
GET_AGAIN = f"get this file again; {DROP}"


def problem_of_file(
    path: Path, error: DataError, card: Card, concerns: Literal["dataset", "sample"] = "dataset"
) -> Problem:
    """The problem of a file of a sample or a unit: says where a missing one comes from, and how to run without it."""
    remedy = f"get it from {card.url}" if error.message == "is missing" else error.remedy
    return Problem(str(path), error.message, remedy if DROP in remedy else f"{remedy}; {DROP}", concerns)
