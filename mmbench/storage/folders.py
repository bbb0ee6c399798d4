"""Files under a folder, where links may lead back into it: each real folder is listed once, and resolved once."""

import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path


@dataclass
class FolderListing:
    """What `list_folder` found, as paths that begin with its folder.

    ``files`` are all entries that are no folders, and folders that were not entered because of their names;
    ``repeated`` maps each link to a folder that is listed at another path to that path; ``unreadable`` has the reason
    for each folder that may not be read.
    """

    files: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    repeated: dict[Path, Path] = field(default_factory=dict)
    unreadable: dict[Path, str] = field(default_factory=dict)


def list_folder(
    folder: Path, *, depth: int | None = None, enters: Callable[[str], bool] = lambda name: not name.startswith(".")
) -> FolderListing:
    """The files and folders under a folder, sorted, down to ``depth`` folders below it (None: all).

    Folders with a name that ``enters`` refuses are not entered; hidden ones by default. Links to folders are followed
    after all real folders, and only to folders that are not listed yet: a link to a folder above it ends there.
    """
    found = FolderListing()
    seen: dict[tuple[int, int], Path] = {}
    todo = deque([(folder, 0)])
    links: deque[tuple[Path, int]] = deque()
    while todo or links:
        path, level = todo.popleft() if todo else links.popleft()
        try:
            status = path.stat()
            identity = (status.st_dev, status.st_ino)
            if identity in seen:
                found.repeated[path] = seen[identity]
                continue
            with os.scandir(path) as entries:
                listed = list(entries)
        except OSError as error:
            found.unreadable[path] = error.strerror or str(error)
            continue
        seen[identity] = path
        if path != folder:
            found.folders.append(path)
        for entry in listed:
            if not _is_folder(entry) or not enters(entry.name):
                found.files.append(path / entry.name)
            elif depth is None or level < depth:
                (links if entry.is_symlink() else todo).append((path / entry.name, level + 1))
    by_parts = attrgetter("parts")  # the order of paths, which compare themselves much slower
    found.files.sort(key=by_parts)
    found.folders.sort(key=by_parts)
    return found


class FileResolver:
    """Resolves files as `Path.resolve` does, but follows the links of the folders above them once for each folder."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}

    def __call__(self, path: str | Path) -> str:
        """The path without links."""
        above, name = os.path.split(path)
        if name in ("", ".", "..") or os.path.islink(path):  # noqa: PTH114  # thousands of paths are strings
            return os.path.realpath(path)
        folder = self._folders.get(above)
        if folder is None:
            folder = self._folders[above] = os.path.realpath(above)
        return os.path.join(folder, name)  # noqa: PTH118


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder or a link to one; False for a link that leads nowhere or to itself."""
    try:
        return entry.is_dir()
    except OSError:
        return False
