"""Files written atomically: to a temporary file, flushed, renamed; locks on them."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mmbench.errors import StorageError
from mmbench.storage.locks import Lock, Timeout
from mmbench.storage.progress import current_reporter
from mmbench.storage.stale_files import hold_as_writer

_PATIENCE = 3.0  # seconds of waiting for a lock before a message is printed
_USING = ".using-"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}
_CLOSED = {*_READ_ONLY, errno.ENOTDIR, errno.EEXIST, errno.EISDIR}


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Raise StorageError about ``path`` for a full disk or a folder that cannot be written."""
    try:
        yield
    except OSError as error:
        text = str(error)
        if error.errno in _FULL or "No space left" in text:
            raise StorageError(
                "the disk is full", where=path, remedy="free some space and run again: finished work is kept"
            ) from error
        if error.errno in _CLOSED:
            raise StorageError(
                "cannot be written", where=path, remedy="choose a folder you may write to (--out, --cache)"
            ) from error
        raise


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` when the block succeeds, else remove it."""
    make_folder(path.parent)
    with storage_errors(path), hold_as_writer(path.parent) as machine:
        # Not by tempfile, whose files only their owner can read. The suffix stays: some writers choose the format
        # by it.
        temporary = path.with_name(f".part-{machine}{secrets.token_hex(4)}-{path.name}")
        temporary.touch(exist_ok=False)
        mode = temporary.stat().st_mode
        try:
            yield temporary
            temporary.chmod(mode)  # some writers replace the file by one that only its owner may read
            _flush(temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def is_read_only(error: BaseException | None) -> bool:
    """Whether an error, or the cause of a StorageError, says that a file or folder is read-only."""
    return _errno_of(error) in _READ_ONLY


def _errno_of(error: BaseException | None) -> int | None:
    cause = error.__cause__ if isinstance(error, StorageError) else error
    return cause.errno if isinstance(cause, OSError) else None


@contextmanager
def ignore_unwritable() -> Iterator[None]:
    """Ignore a read-only file or folder and a full disk: for files that save time and are not required."""
    try:
        yield
    except (OSError, StorageError) as error:
        if not (is_read_only(error) or _errno_of(error) in _FULL):
            raise


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, in UTF-8."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def make_folder(path: Path) -> Path:
    """Create a folder and those above it; StorageError where that cannot be."""
    with storage_errors(path):
        try:
            path.mkdir(parents=True, exist_ok=True)
        except FileNotFoundError as error:  # on systems such as /proc, where no folder can be created
            raise NotADirectoryError(errno.ENOTDIR, str(error), str(path)) from error
    return path


def lock_for(path: Path) -> Lock:
    """The lock that a process holds while it makes ``path``; the system releases it when the process ends."""
    return Lock(path.with_name(f".{path.name}.lock"), timeout=0)


def is_lock_held(lock: Lock) -> bool:
    """Whether another process holds a lock; never on a disk without file locks."""
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


@contextmanager
def mark_in_use(cache: Path) -> Iterator[None]:
    """Keep other processes from cleaning a cache while the block runs; no effect on a read-only one."""
    mark = make_folder(cache) / f"{_USING}{os.getpid()}-{secrets.token_hex(4)}"
    lock = Lock(mark)
    with ignore_unwritable(), storage_errors(mark):
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
    with ignore_unwritable():
        mark.unlink(missing_ok=True)


def is_in_use(cache: Path) -> bool:
    """Whether a process uses a cache now. Marks of killed processes are removed.

    Raises StorageError if there are marks on a disk without file locks: they may be of a killed process or not.
    """
    marks = list(cache.glob(f"{_USING}*"))
    held = []
    for mark in marks:
        lock = Lock(mark)
        if is_lock_held(lock):
            held.append(mark)
        elif not lock.is_guarding:
            raise StorageError(
                "may be in use: the disk has no file locks to show whether the process of this mark still runs",
                where=mark,
                remedy="delete the mark if no run uses this cache",
            )
    for mark in set(marks) - set(held):
        mark.unlink(missing_ok=True)
    return bool(held)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock on making ``path`` while the block runs; a message is printed while another process holds it."""
    lock = lock_for(path)
    with storage_errors(path):
        make_folder(path.parent)
        _wait_for(lock, path)
    try:
        if lock.is_guarding:
            remove_stale_files([path])
        yield
    finally:
        lock.release()


def _wait_for(lock: Lock, path: Path) -> None:
    try:
        lock.acquire(timeout=_PATIENCE)
    except Timeout:
        current_reporter().message(f"waiting for another process that makes {path.name}")
        lock.acquire(timeout=-1)


def remove_stale_files(paths: Iterable[Path]) -> None:
    """Remove stale temporary files of ``paths``; the caller holds the lock on making them."""
    for folder, names in _by_folder(paths).items():
        for stale in folder.glob(".part-*"):
            if stale.name.split("-", 2)[-1] in names:
                stale.unlink(missing_ok=True)


def check_free_space(path: Path, n_bytes: int) -> None:
    """Raise StorageError unless ``n_bytes`` more fit on the disk of ``path``.

    To be called before HDF5 writes: it leaves its files open when a write fails, and may crash the process.
    """
    free = shutil.disk_usage(path.parent).free
    if n_bytes > free:
        raise StorageError(
            f"the disk is full: {n_bytes / 1e6:.1f} MB are needed and {free / 1e6:.1f} MB are free",
            where=path.parent,
            remedy="free some space and run again: finished work is kept",
        )


def _by_folder(paths: Iterable[Path]) -> dict[Path, set[str]]:
    folders: dict[Path, set[str]] = {}
    for path in paths:
        folders.setdefault(path.parent, set()).add(path.name)
    return folders


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
