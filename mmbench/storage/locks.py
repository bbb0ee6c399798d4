"""Lock files, also on disks without file locks (NFS without lockd, some FUSE and cluster file systems).

On such a disk work goes on without a lock, and a message says so once per disk.
"""

import errno
import os
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Literal

from filelock import FileLock, Timeout

from mmbench.storage.progress import current_reporter

try:
    import fcntl
except ImportError:  # on Unix only: elsewhere a lock file cannot be opened twice, which needs no support of the disk
    SHARED = EXCLUSIVE = 0
else:
    SHARED, EXCLUSIVE = fcntl.LOCK_SH, fcntl.LOCK_EX

__all__ = ["EXCLUSIVE", "SHARED", "Lock", "Timeout", "has_record_locks", "try_lock"]

_KERNEL_ENOTSUPP = 524  # not in errno: internal to the kernel, but NFS returns it to programs
_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, _KERNEL_ENOTSUPP}
_reported: set[int] = set()  # devices without locks for which the message was printed
_supported: set[int] = set()  # devices known to have locks

Answer = Literal["held", "busy", "unsupported"]


class Lock:
    """An exclusive lock on the file ``path``, which is created if it is missing; a context manager.

    ``timeout`` is in seconds, negative for no limit; Timeout is raised where another process holds the lock longer.
    ``is_guarding`` is False, once acquired, where the disk has no locks.
    """

    def __init__(self, path: Path, timeout: float = -1) -> None:
        self.path, self.timeout = path, timeout
        self.is_guarding = True
        # On a disk that returns ENOSYS, filelock takes any existing lock file for a held lock and would wait forever
        # for one that an earlier process left: it is used only where the disk has locks.
        self._lock = FileLock(path)

    def acquire(self, timeout: float | None = None) -> None:
        """Take the lock. Raises Timeout, and OSError if the file cannot be created."""
        self.is_guarding = _has_locks(self.path)
        if self.is_guarding:
            self._lock.acquire(timeout=self.timeout if timeout is None else timeout)
        else:
            _report_missing_locks(self.path.parent)

    def release(self) -> None:
        """Release the lock."""
        self._lock.release()

    def __enter__(self) -> "Lock":
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def try_lock(descriptor: int, kind: int) -> Answer:
    """Try to lock an open file or folder, `SHARED` or `EXCLUSIVE`, without waiting; closing it releases the lock."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        return "unsupported" if error.errno in _UNSUPPORTED else "busy"
    return "held"


def has_record_locks(folder: Path) -> bool:
    """Whether the disk of a folder has POSIX record locks, which SQLite needs."""
    if not SHARED:
        return True
    with TemporaryFile(dir=folder) as file:
        try:
            fcntl.lockf(file, EXCLUSIVE | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno not in _UNSUPPORTED
    return True


def _has_locks(path: Path) -> bool:
    """Whether the disk of a lock file has locks; the file is created. Checked once per disk that has them."""
    if not SHARED:
        return True
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        device = os.fstat(descriptor).st_dev
        if device not in _supported and try_lock(descriptor, SHARED) != "unsupported":
            _supported.add(device)
        return device in _supported
    finally:
        os.close(descriptor)


def _report_missing_locks(folder: Path) -> None:
    """Print once per disk that it has no file locks."""
    device = folder.stat().st_dev
    if device not in _reported:
        _reported.add(device)
        current_reporter().message(
            f"{folder} is on a disk without file locks: two processes could write there at the same time; run one at "
            "a time"
        )
