"""Folders of simulated files: marked as such, so that what is read from them never passes for recordings."""

import json
import math
from dataclasses import replace
from pathlib import Path

from mmbench import Card, DataError, Dataset, SpecError, written_whole

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


def card_of_files(card: Card, root: Path, dataset: Dataset) -> Card:
    """``card``, or that of a simulation where files that ``dataset`` reads under ``root`` are marked as simulated.

    The mark counts in any folder above a file: readers also find files below ``root``, and ``root`` may be a part of a
    simulation.
    """
    if card.access == "simulated" or not (is_marked(root) or any(map(is_marked, _folders_of(dataset, root)))):
        return card
    return replace(card, title=f"Simulated, in the files of: {card.title}", access="simulated")


def describe_mark(root: Path) -> dict[str, str]:
    """The marks in ``root`` and two folders below it, for `Dataset.left_out`; empty where there is none."""
    marks = sorted(path for depth in ("", "*/", "*/*/") for path in root.glob(f"{depth}{MARK}"))
    return {path.relative_to(root).as_posix(): "marks the files as simulated" for path in marks}


def _folders_of(dataset: Dataset, root: Path) -> set[Path]:
    """The folders of the files that a dataset reads; none where it cannot tell its files."""
    try:
        return {path.parent for unit in dataset.units(root) for path in dataset.sources(root, unit)}
    except (DataError, OSError):
        return set()


def is_marked(folder: Path) -> bool:
    """Whether a folder, or one above it, is marked as simulated."""
    return any((above / MARK).is_file() for above in (folder.absolute(), *folder.absolute().parents))
