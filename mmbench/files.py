"""Files that are whole or not there: written aside, flushed, renamed."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from mmbench.errors import StorageError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CLOSED = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST, errno.EISDIR}


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn a full disk or a closed folder into one clear line about ``path``."""
    try:
        yield
    except OSError as error:
        text = str(error)
        if error.errno in _FULL or "No space left" in text:
            raise StorageError(
                "the disk is full", where=path, remedy="free some space and run again: what was done is kept"
            ) from error
        if error.errno in _CLOSED:
            raise StorageError(
                "cannot be written", where=path, remedy="choose a folder you may write to (--out, --cache)"
            ) from error
        raise


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path``; rename it there when the block ends well, remove it otherwise."""
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not a file of tempfile's: nobody but its owner could read the result. The ending stays: some writers go by it.
        aside = path.with_name(f".part-{secrets.token_hex(4)}-{path.name}")
        aside.touch(exist_ok=False)
        mode = aside.stat().st_mode
        try:
            yield aside
            aside.chmod(mode)  # some writers make a file of their own, which only its owner may read
            _flush(aside)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with written_whole(path) as aside:
        aside.write_text(text, encoding="utf-8")


def make_folder(path: Path) -> Path:
    """Create a folder and those above it."""
    with storage_errors(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes from making ``path`` while the block runs."""
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        sweep([path])
        yield
    finally:
        lock.release()


def sweep(paths: Iterable[Path]) -> None:
    """Remove what killed writers left beside ``paths``; only for who holds the lock on them."""
    for folder, names in _by_folder(paths).items():
        for left in folder.glob(".part-*"):
            if left.name.split("-", 2)[-1] in names:
                left.unlink(missing_ok=True)


def check_room(path: Path, n_bytes: int) -> None:
    """Raise StorageError unless ``n_bytes`` more fit on the disk of ``path``.

    HDF5 leaves its files open when a write fails, and may take the process down with them: ask before it writes.
    """
    free = shutil.disk_usage(path.parent).free
    if n_bytes > free:
        raise StorageError(
            f"the disk is full: {n_bytes / 1e6:.1f} MB are needed and {free / 1e6:.1f} MB free",
            where=path.parent,
            remedy="free some space and run again: what was done is kept",
        )


def _by_folder(paths: Iterable[Path]) -> dict[Path, set[str]]:
    folders: dict[Path, set[str]] = {}
    for path in paths:
        folders.setdefault(path.parent, set()).add(path.name)
    return folders


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
