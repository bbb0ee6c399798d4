"""Inventory of a dataset's folder: files used, left out (with reasons) and not read; assumptions."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from mmbench.contract import Dataset
from mmbench.data.missingness import join_names, left_out_lines
from mmbench.errors import DataError
from mmbench.storage import counted_plural, file_stamp, list_folder

HIDDEN = "hidden"
_SYSTEM = frozenset({"thumbs.db", "desktop.ini", "__pycache__", "__macosx"})


@dataclass(frozen=True)
class Inventory:
    """The files under a dataset's folder.

    ``contents`` counts files or samples by class or unit, ``counts`` other things in the words of the dataset.
    ``left_out`` has the reason for everything that the dataset excludes, ``unread`` the paths, relative to the folder,
    of all other files that no unit uses.
    """

    units: Sequence[str]
    contents: Mapping[str, int]
    left_out: Mapping[str, str] = field(default_factory=dict)
    unread: Sequence[str] = ()
    assumptions: Sequence[str] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        """Lines with the counts, and about assumptions, what is left out and, by suffix, what is not read."""
        counts = [f"found: {', '.join(counted_plural(number, words) for words, number in self.counts.items())}"]
        return [
            *(counts if self.counts else []),
            *self.assumptions,
            *left_out_lines(self.left_out),
            *_unread_lines(self.unread),
        ]

    def brief_lines(self, dataset: str) -> list[str]:
        """The same with a single line about files that are not read."""
        n_unread = f"{len(self.unread)} file{'' if len(self.unread) == 1 else 's'}"
        unread = [f"not read: {n_unread}, of which no sample is made (see mmbench data check {dataset})"]
        return [*self.assumptions, *left_out_lines(self.left_out), *(unread if self.unread else [])]


def take_inventory(
    dataset: Dataset, root: Path, damaged: Iterable[str] = (), *, tolerant: bool = False, counted: bool = True
) -> Inventory:
    """The inventory of a dataset's folder, from the names of its files; raises DataError as the dataset does.

    Files known to be ``damaged`` are not listed as not read. With ``tolerant``, a DataError about what is left out or
    assumed is ignored: the damaged file is reported elsewhere. Contents and counts, for which some datasets read every
    file, are empty unless ``counted``.
    """
    units = dataset.units(root)
    if tolerant and not units and not list_folder(root).files:
        return Inventory([], {})  # the problem says all that there is to say
    left_out: Mapping[str, str] = {}
    contents: Mapping[str, int] = {}
    assumptions: Sequence[str] = ()
    counts: Mapping[str, int] = {}
    with suppress(DataError) if tolerant else nullcontext():
        left_out = dataset.left_out(root)
    with suppress(DataError) if tolerant else nullcontext():
        assumptions = dataset.assumptions(root)
        if counted and units:
            contents, counts = dataset.contents(root), dataset.counts(root)
    used = {Path(path) for path in damaged} | {path for unit in units for path in dataset.sources(root, unit)}
    unread = find_unread(root, used, left_out) if _has_files_of_users(dataset) else []
    return Inventory(units, dict(contents), dict(left_out), unread, tuple(assumptions), dict(counts))


def stamp_other_files(
    dataset: Dataset, root: Path, sources: Mapping[str, Mapping[str, str]]
) -> dict[str, Sequence[object]]:
    """Size and times of every file under ``root`` that is none of the ``sources`` of its units, by relative path."""
    known = {name for files in sources.values() for name in files}
    others = (path for path in _walk(root) if path not in known) if _has_files_of_users(dataset) else ()
    return {path: _stamp(root / path) for path in others}


def _stamp(path: Path) -> Sequence[object]:
    try:
        return file_stamp(path)
    except OSError:  # a link to nothing
        return ()


def _has_files_of_users(dataset: Dataset) -> bool:
    """Whether users may add files to the folder: not to those of bundled and simulated datasets."""
    return dataset.card.access not in ("bundled", "simulated")


def find_unread_lines(root: Path, sources: Iterable[Path]) -> list[str]:
    """Lines about the files under ``root``, by suffix, that are not ``sources``; none for a single file."""
    return list(_unread_lines(find_unread(root, sources))) if root.is_dir() else []


def find_unread(root: Path, sources: Iterable[Path], left_out: Iterable[str] = ()) -> list[str]:
    """The paths relative to ``root`` of files that are neither ``sources`` nor ``left_out``, sorted.

    ``left_out`` may hold patterns and folders. A hidden folder is listed by its own path alone.
    """
    used = {_below(path, root) for path in sources}
    patterns = [*left_out]
    return sorted(path for path in _walk(root) if path not in used and not _is_named(path, patterns))


def contents_lines(contents: Mapping[str, int]) -> list[str]:
    """Lines with the number of files of each class or unit; equal numbers share a line."""
    by_number: dict[int, list[str]] = {}
    for name, number in contents.items():
        by_number.setdefault(number, []).append(name)
    return [
        f"found: {join_names(names)}: {number} file{'' if number == 1 else 's'}{' each' if names[1:] else ''}"
        for number, names in by_number.items()
    ]


def _below(path: Path, root: Path) -> str:
    """A path relative to ``root``; paths elsewhere as they are."""
    if str(path).startswith(inside := f"{root}{os.sep}"):
        return path.as_posix()[len(inside) :]
    whole, start = path.absolute(), root.absolute()
    if not whole.is_relative_to(start):  # a dataset may return resolved paths
        whole, start = path.resolve(), root.resolve()
    return whole.relative_to(start).as_posix() if whole.is_relative_to(start) else whole.as_posix()


def _walk(root: Path) -> Iterator[str]:
    """The files below a folder, each once; of a folder that is hidden or may not be read, its own path."""
    found = list_folder(root, enters=lambda name: not is_hidden(name))
    for path in (*found.files, *found.unreadable):
        yield _below(path, root)


def is_hidden(name: str) -> bool:
    """Whether a file or folder is hidden: its name begins with a dot or is one of the system's."""
    return name.startswith(".") or name.casefold() in _SYSTEM


def _is_named(path: str, patterns: Sequence[str]) -> bool:
    return any(path == name or path.startswith(f"{name}/") or fnmatchcase(path, name) for name in patterns)


def _unread_lines(unread: Sequence[str]) -> Iterator[str]:
    """A line for each suffix of the files that are not read."""
    by_suffix: dict[str, list[str]] = {}
    for path in unread:
        name = PurePosixPath(path)
        by_suffix.setdefault(HIDDEN if is_hidden(name.name) else name.suffix, []).append(path)
    for suffix, paths in sorted(by_suffix.items()):
        kind = {HIDDEN: "hidden ", "": ""}.get(suffix, f"{suffix} ")
        n_files = f"{len(paths)} {kind}file{'' if len(paths) == 1 else 's'}"
        yield f"not read: {n_files}, of which no sample is made: {join_names(paths, count=False)}"
