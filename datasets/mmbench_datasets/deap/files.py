"""Finds DEAP's files under a folder, however they were unpacked: by their names, up to some folders down."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from filecmp import cmp
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from mmbench import DataError, list_folder
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
    that DEAP names, by their names, ``others`` the files that are none of DEAP's; ``unreadable`` has the reason for
    each folder that may not be read.
    """

    home: Path
    signals: Mapping[Source, Mapping[str, Path]]
    videos: Mapping[str, Mapping[int, Path]]
    ratings: Path
    repeated: Mapping[Path, Path] = field(default_factory=dict)
    folders: Mapping[str, Path] = field(default_factory=dict)
    others: Sequence[Path] = ()
    unreadable: Mapping[Path, str] = field(default_factory=dict)

    def recording(self, subject: str, source: Source) -> Path:
        """Signal file of a subject; raises DataError if there is none."""
        try:
            return self.signals[source][subject]
        except KeyError:
            folder, suffix = FOLDERS[source][-1]
            remedy = f"add {folder}/{subject}{suffix}"
            raise DataError(f"has no signals of {subject}", where=self.home, remedy=remedy) from None

    def check_copies(self, used: Path) -> None:
        """Raise DataError if a file of the same name and format as ``used``, in another folder, has other bytes."""
        for other in self._copies.get(used, ()):
            try:
                is_equal = is_copy(other, used)
            except OSError as error:
                message = f"cannot be compared with its copy {other} ({error.strerror})"
                remedy = f"fix the one that cannot be read, or move {other} out of {self.home}"
                raise DataError(message, where=used, remedy=remedy) from error
            if not is_equal:
                remedy = f"move the one that is not from DEAP out of {self.home}"
                raise DataError(f"differs from its copy {other}", where=used, remedy=remedy)

    @cached_property
    def _copies(self) -> Mapping[Path, list[Path]]:
        """The files in the same format that each file replaces."""
        copies: dict[Path, list[Path]] = {}
        for other, used in self.repeated.items():
            if other.suffix.lower() == used.suffix.lower():
                copies.setdefault(used, []).append(other)
        return copies

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
    listing = list_folder(base, depth=_DEPTH)
    paths = [path for path in listing.files if not path.name.startswith(".")]
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
    recordings = {path for found in signals.values() for path in found.values()}
    films = {path for found in videos.values() for path in found.values()}
    known = {*repeated, *table.values(), *recordings, *films}
    return DeapFiles(
        home,
        signals,
        videos,
        table.get(True, home / RATINGS_FILE),
        repeated,
        {folder.name.lower(): folder for folder in reversed(listing.folders) if folder.name.lower() in _OWN_FOLDERS},
        [path for path in paths if path not in known],
        listing.unreadable,
    )


def is_copy(one: Path, other: Path) -> bool:
    """Whether two files are the same or have the same bytes; raises OSError if one cannot be read."""
    return one.samefile(other) or cmp(one, other, shallow=False)


def file_stamp(path: Path) -> tuple[int, ...]:
    """What changes with the content of a file; empty where it cannot be found."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


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


def _home(base: Path, signals: Mapping[Source, Mapping[str, Path]]) -> Path:
    """The folder above those that DEAP names, of the first signals found."""
    first = next((path for found in signals.values() for path in found.values()), None)
    if first is None:
        return base
    folder = first.parent
    while folder != base and folder.name.lower() in _OWN_FOLDERS:
        folder = folder.parent
    return folder
