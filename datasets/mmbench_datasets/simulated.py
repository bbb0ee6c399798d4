"""Folders of simulated files: marked as such, so that what is read from them never passes for recordings."""

import json
import math
from dataclasses import replace
from pathlib import Path

from mmbench import Card, DataError, SpecError, written_whole

MARK = "SIMULATED.json"


def begin_simulation(root: Path, name: str, **options: int | float) -> None:
    """Mark ``root`` as simulated files of the dataset ``name``; a call with the same options may follow.

    Raises DataError for a folder that holds anything else, SpecError for an option that is negative, infinite or NaN,
    or without subjects.
    """
    for option, value in options.items():
        if not (1 if option == "subjects" else 0) <= value < math.inf:
            lowest = "1 or more" if option == "subjects" else "0 or more"
            raise SpecError(f"{option} is {value}", where=f"{name}.simulate", remedy=f"give {lowest}")
    mark, content = root / MARK, json.dumps({"dataset": name, **options}, indent=1)
    if mark.is_file():
        if mark.read_bytes() != content.encode():
            raise DataError("was simulated with other options", where=root, remedy="choose an empty folder")
    elif root.is_dir() and any(root.iterdir()):
        raise DataError("is neither empty nor a simulation", where=root, remedy="choose an empty folder")
    else:
        with written_whole(mark) as temporary:
            temporary.write_bytes(content.encode())


def card_of_files(card: Card, root: Path) -> Card:
    """``card``, or that of a simulation where ``root`` is marked as one and ``card`` is not."""
    if card.access == "simulated" or not (root / MARK).is_file():
        return card
    return replace(card, title=f"Simulated, in the files of: {card.title}", access="simulated")


def describe_mark(root: Path) -> dict[str, str]:
    """The mark, for `Dataset.left_out`; empty where there is none."""
    return {MARK: "marks the files as simulated"} if (root / MARK).is_file() else {}
