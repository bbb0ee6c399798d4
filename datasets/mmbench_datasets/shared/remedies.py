"""Remedies for the files of samples and units that cannot be read."""

from pathlib import Path
from typing import Literal

from mmbench import Card, DataError, Problem
from mmbench_datasets.shared.damage import how_to_drop

DROP = "leave it out: mmbench run ... --bad drop"
GET_AGAIN = how_to_drop("get this file again", "it")


def problem_of_file(
    path: Path, error: DataError, card: Card, concerns: Literal["dataset", "sample"] = "dataset"
) -> Problem:
    """The problem of a file of a sample or a unit: says where a missing one comes from, and how to run without it."""
    remedy = f"get it from {card.url}" if error.message == "is missing" else error.remedy
    return Problem(str(path), error.message, remedy if DROP in remedy else how_to_drop(remedy, "it"), concerns)
