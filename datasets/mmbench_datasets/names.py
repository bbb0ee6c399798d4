"""Finds files by name: regardless of case, which copies may change, and in the folder that an archive unpacks into."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mmbench import DataError, Problem, list_folder


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


def find_home(root: Path, is_home: Callable[[Path], bool]) -> Path:
    """The folder of a dataset's files: ``root``, or the only folder in it that ``is_home``; ``root`` if there is none.

    Raises DataError that names them where several folders in ``root`` are.
    """
    with readable(root):
        if is_home(root):
            return root
        homes = [folder for folder in list_files(root) if folder.is_dir() and is_home(folder)]
    if len(homes) > 1:
        message = f"has the files in several folders: {_join([folder.name for folder in homes])}"
        raise DataError(message, where=root, remedy=f"give one of them, as --data {homes[0]}")
    return homes[0] if homes else root


def describe_absent(root: Path, wanted: str, example: str, request: str) -> Problem:
    """The problem of a folder in which the files ``wanted`` are not.

    Where it has files with the suffix of the ``example``, they are named with how to name them; else how to ``request``
    the dataset.
    """
    files = list_folder(root).files
    seen = sorted(path.relative_to(root).as_posix() for path in files if path.suffix.lower() == Path(example).suffix)
    message = f"holds no {wanted}" + (f", but {_join(seen)}" if seen else "")
    return Problem(
        str(root), message, f"if these are the files, name them as published: {example}" if seen else request
    )


def _join(names: list[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """Raise DataError for a folder whose files may not be listed, in place of an OSError."""
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        raise DataError(f"cannot be read ({error.strerror})", where=where, remedy="change its permissions") from error
