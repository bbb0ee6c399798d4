"""Finds DEAP's files under a folder, however they were unpacked: by their names, up to some folders down."""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from mmbench import DataError
from mmbench_datasets.deap.layout import (
    CONTAINERS,
    FOLDERS,
    MATLAB_FOLDER,
    N_PEOPLE,
    ORIGINAL_FOLDER,
    PYTHON_FOLDER,
    RATINGS_FILE,
    VIDEO_FOLDER,
    Source,
    subject_name,
)
from mmbench_datasets.deap.options import Options

RATINGS_SUFFIXES = (".csv", ".xlsx", ".xls", ".ods")
"""Formats of the table of ratings in order of precedence; DEAP has all but .xlsx."""

_OWN_FOLDERS = (PYTHON_FOLDER, MATLAB_FOLDER, ORIGINAL_FOLDER, VIDEO_FOLDER)
# Two folders above those of DEAP, which archives unpack into one of the same name, and one for each person.
_DEPTH = 5
_SIGNALS = re.compile(r"s(\d{1,2})", re.IGNORECASE)
_VIDEO = re.compile(r"s(\d{1,2})_trial(\d{1,2})", re.IGNORECASE)


@dataclass(frozen=True)
class DeapFiles:
    """DEAP's files under a folder.

    ``home`` is the folder that holds those of DEAP. ``signals`` are by source and subject, ``videos`` by subject and
    the place in the order of presentation. ``ratings`` is the table of ratings; where there is none, the path that it
    should have. ``repeated`` maps a file that another copy or format replaces to that one. ``folders`` are those
    that DEAP names, by their names; ``unreadable`` has the reason for each folder that may not be read.
    """

    home: Path
    signals: Mapping[Source, Mapping[str, Path]]
    videos: Mapping[str, Mapping[int, Path]]
    ratings: Path
    repeated: Mapping[Path, Path] = field(default_factory=dict)
    folders: Mapping[str, Path] = field(default_factory=dict)
    unreadable: Mapping[Path, str] = field(default_factory=dict)

    def recording(self, subject: str, source: Source) -> Path:
        """Signal file of a subject; raises DataError if there is none."""
        try:
            return self.signals[source][subject]
        except KeyError:
            folder, suffix = FOLDERS[source][-1]
            remedy = f"add {folder}/{subject}{suffix}"
            raise DataError(f"has no signals of {subject}", where=self.home, remedy=remedy) from None

    def subjects(self, options: Options) -> list[str]:
        """The subjects with signals; with ``faces="drop"`` only those with a video."""
        return [name for name in self.signals[options.source] if options.faces == "keep" or self.videos_of(name)]

    def videos_of(self, subject: str) -> Mapping[int, Path]:
        """The videos of a subject by their place in the order of presentation."""
        return self.videos.get(subject, {})


def find_files(root: Path) -> DeapFiles:
    """DEAP's files under ``root``, or beside it where it is one of DEAP's own folders.

    Names decide, in any case: ``sNN.dat``, ``.mat`` and ``.bdf`` are signals, ``sNN_trialTT`` with the ending of a
    video is a video. Of several copies the one in the folder that DEAP names is used, then the one that is the fewest
    folders down.
    """
    base = root
    while base.name.lower() in _OWN_FOLDERS and base.parent != base:
        base = base.parent
    paths, folders, unreadable = _walk(base)
    repeated: dict[Path, Path] = {}
    signals: dict[Source, Mapping[str, Path]] = {}
    for source, places in FOLDERS.items():
        ranks = {suffix: (rank, folder) for rank, (folder, suffix) in enumerate(reversed(places))}
        found = _choose(paths, base, _subject_of, ranks, repeated)
        signals[source] = {subject_name(participant): path for participant, path in found.items()}
    containers = {suffix: (rank, VIDEO_FOLDER) for rank, suffix in enumerate(CONTAINERS)}
    videos: dict[str, dict[int, Path]] = {}
    for (participant, trial), path in _choose(paths, base, _video_of, containers, repeated).items():
        videos.setdefault(subject_name(participant), {})[trial] = path
    home = _home(base, signals)
    tables = {suffix: (rank, RATINGS_FILE.parent.name) for rank, suffix in enumerate(RATINGS_SUFFIXES)}
    table = _choose(paths, base, _is_table, tables, repeated)
    return DeapFiles(
        home,
        signals,
        videos,
        table.get(True, home / RATINGS_FILE),
        repeated,
        {folder.name.lower(): folder for folder in reversed(folders) if folder.name.lower() in _OWN_FOLDERS},
        unreadable,
    )


def _subject_of(stem: str) -> int | None:
    match = _SIGNALS.fullmatch(stem)
    return int(match[1]) if match and 1 <= int(match[1]) <= N_PEOPLE else None


def _video_of(stem: str) -> tuple[int, int] | None:
    match = _VIDEO.fullmatch(stem)
    return (int(match[1]), int(match[2])) if match and 1 <= int(match[1]) <= N_PEOPLE else None


def _is_table(stem: str) -> bool | None:
    return True if stem.lower() == RATINGS_FILE.stem else None


_Key = TypeVar("_Key", int, tuple[int, int], bool)


def _choose(
    paths: Iterable[Path],
    base: Path,
    key_of: Callable[[str], _Key | None],
    ranks: Mapping[str, tuple[int, str]],
    repeated: dict[Path, Path],
) -> dict[_Key, Path]:
    """The best path of each key, sorted by key; the others are added to ``repeated``.

    ``ranks`` has the rank of each suffix and the folder in which DEAP has such files.
    """
    found: dict[_Key, list[tuple[int, bool, int, Path]]] = {}
    for path in paths:
        if path.suffix.lower() in ranks and (key := key_of(path.stem)) is not None:
            rank, folder = ranks[path.suffix.lower()]
            parents = [part.lower() for part in path.relative_to(base).parts[:-1]]
            found.setdefault(key, []).append((rank, folder not in parents, len(parents), path))
    best = {}
    for key in sorted(found):
        (*_, used), *others = sorted(found[key])
        best[key] = used
        repeated.update((other, used) for *_, other in others)
    return best


def _walk(base: Path) -> tuple[list[Path], list[Path], dict[Path, str]]:
    """Files and folders under a folder in order of their paths, and why a folder cannot be read; no hidden ones."""
    files: list[Path] = []
    folders: list[Path] = []
    unreadable: dict[Path, str] = {}

    def visit(folder: Path, depth: int) -> None:
        try:
            entries = _entries(folder)
        except OSError as error:
            unreadable[folder] = error.strerror or str(error)
            return
        for entry in entries:
            path = folder / entry.name
            if not entry.is_dir():
                files.append(path)
            elif depth < _DEPTH:
                folders.append(path)
                visit(path, depth + 1)

    visit(base, 0)
    return files, folders, unreadable


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        return sorted((entry for entry in found if not entry.name.startswith(".")), key=lambda entry: entry.name)


def _home(base: Path, signals: Mapping[Source, Mapping[str, Path]]) -> Path:
    """The folder above those that DEAP names, of the first signals found."""
    first = next((path for found in signals.values() for path in found.values()), None)
    if first is None:
        return base
    folder = first.parent
    while folder != base and folder.name.lower() in _OWN_FOLDERS:
        folder = folder.parent
    return folder
