"""Damaged files of the cache: renamed, reported and made again."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mmbench.errors import DamagedError, StorageError
from mmbench.storage.progress import current_reporter

T = TypeVar("T")

DAMAGED_SUFFIX = ".damaged"
REMEDY = "the next run makes it again"


def file_identity(path: Path) -> tuple[int, ...]:
    """Device, inode and modification time in ns: differs between two files that had the same name."""
    return stat_identity(path.stat())


def stat_identity(stat: os.stat_result) -> tuple[int, ...]:
    """The same from the status of an open file."""
    return stat.st_dev, stat.st_ino, stat.st_mtime_ns


def rename_damaged(path: Path, why: str, opened: tuple[int, ...] | None = None) -> DamagedError:
    """Rename a damaged file, unless another process already did, and return the error to raise.

    ``opened`` is the `file_identity` of the file that was found to be damaged. Raises StorageError if the folder is
    read-only.
    """
    renamed = path.with_name(path.name + DAMAGED_SUFFIX)
    try:
        if path.exists() and opened in (None, file_identity(path)):
            path.replace(renamed)
    except OSError as error:
        raise StorageError(
            f"{why}, and its folder is read-only", where=path, remedy="name another folder (--cache)"
        ) from error
    return DamagedError(f"is damaged ({why})", where=path, remedy=f"it was renamed to {renamed.name}; {REMEDY}")


def open_cached(path: Path, opener: Callable[[Path], T]) -> T | None:
    """What ``opener`` returns for a file of the cache; None if the file is missing or damaged.

    Raises StorageError for a damaged file in a read-only folder, if it cannot be made again.
    """
    try:
        return opener(path)
    except FileNotFoundError:
        return None
    except DamagedError as error:
        if not os.access(path.parent, os.W_OK):
            rename_damaged(path, error.message)
        return None


def report_damaged(path: Path, why: str) -> None:
    """Rename a damaged file that is made again at once, and report it; ``why`` as in "FILE is damaged"."""
    rename_damaged(path, why)
    current_reporter().message(f"{path} {why}: renamed to {path.name}{DAMAGED_SUFFIX} and made again")


def retry_on_damage(work: Callable[[], T]) -> T:
    """The result of ``work``, repeated where it finds a damaged file of the cache, which it then makes again.

    Raises DamagedError if the same file is damaged twice.
    """
    found: set[str | None] = set()
    while True:
        try:
            return work()
        except DamagedError as error:
            if error.where in found:
                raise
            found.add(error.where)
            current_reporter().message(f"{error.line}: made again now")
