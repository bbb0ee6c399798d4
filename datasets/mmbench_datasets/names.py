"""Finds files by name regardless of case, which copies from case-insensitive disks may change."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmbench import DataError


def find_variant(path: Path) -> Path:
    """``path`` if it exists, else the first file whose name differs only in case, else ``path``."""
    with readable(path.parent):
        if path.exists() or path.is_symlink() or not path.parent.is_dir():
            return path
        wanted = path.name.casefold()
        return next((other for other in sorted(path.parent.iterdir()) if other.name.casefold() == wanted), path)


def list_files(folder: Path) -> list[Path]:
    """Entries of a folder sorted by name; empty if the folder is missing. DataError if it may not be read."""
    with readable(folder):
        return sorted(folder.iterdir()) if folder.is_dir() else []


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """Raise DataError for a folder whose files may not be listed, in place of an OSError."""
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        raise DataError(f"cannot be read ({error.strerror})", where=where, remedy="change its permissions") from error
