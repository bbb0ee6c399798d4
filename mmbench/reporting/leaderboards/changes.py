"""Changed files of a leaderboard, as a pull request lists them: the boards and records that are to be verified."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmbench.data import FOLDS_FILE
from mmbench.reporting.leaderboards.boards import AUDIT, SUITES
from mmbench.reporting.leaderboards.submission import MANIFEST
from mmbench.reporting.leaderboards.suites import suite_file

_PAGES = ("README.md", "index.html")
_DEPTH = 3  # dataset, protocol, task
_SUITE_DEPTH = 2  # suites, name of the suite


@dataclass(frozen=True)
class Changes:
    """The changed ``boards``, ``records`` and ``pages`` by their paths under the root, and the faults of the change.

    ``outside`` counts paths that are not in the folder of the leaderboards. ``has_suites`` says whether a file of a
    suite is among the changed ones.
    """

    boards: tuple[str, ...]
    records: frozenset[str]
    pages: frozenset[str]
    outside: int
    faults: tuple[str, ...]
    has_suites: bool = False


def sort_changes(root: Path, paths: Sequence[Path]) -> Changes:
    """Sort changed paths, relative to the current folder; deleted and unknown files are faults."""
    boards: dict[str, None] = {}
    records, pages, faults = set(), set(), []
    outside, has_suites = 0, False
    home = Path(os.path.abspath(root))  # noqa: PTH100  # links must not be followed: they are faults
    for path in paths:
        whole = Path(os.path.abspath(path))  # noqa: PTH100
        if not whole.is_relative_to(home):
            outside += 1
            continue
        place = whole.relative_to(home)
        above = _SUITE_DEPTH if place.parts[0] == SUITES else 0
        name, depth, of_board = place.as_posix(), len(place.parts) - 1 - above, _DEPTH + above
        has_suites = has_suites or above > 0
        if whole.is_symlink():
            faults.append(f"{name}: is a link; give the file itself")
        elif not whole.is_file():
            faults.append(f"{name}: was deleted; a submission adds runs and deletes nothing")
        elif depth in (0, _DEPTH) and place.name in _PAGES:
            pages.add(name)
        elif not (
            _is_part(place.name, depth) or (above and depth == 0 and place.name == suite_file(place.parent).name)
        ):
            faults.append(f"{name}: is no part of a leaderboard; leave it out")
        elif place.name.startswith("fold-"):
            records.add(name)
        board = "/".join(place.parts[:of_board])
        if depth >= _DEPTH and board not in boards and (root / board).is_dir():
            boards[board] = None
    return Changes(tuple(boards), frozenset(records), frozenset(pages), outside, tuple(faults), has_suites)


def _is_part(name: str, depth: int) -> bool:
    if depth == _DEPTH:
        return name in (FOLDS_FILE, AUDIT)
    return depth == _DEPTH + 1 and (name == MANIFEST or (name.startswith("fold-") and name.endswith(".json")))
