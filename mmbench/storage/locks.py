"""Lock files, also on disks whose server lends no locks (NFS without lockd, some FUSE and cluster file systems).

There nothing can be held: who asks for a lock goes on without one, and it is said once a disk.
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
except ImportError:  # of Unix only: elsewhere a lock file cannot be opened twice, which needs no support of the disk
    SHARED = ALONE = 0
else:
    SHARED, ALONE = fcntl.LOCK_SH, fcntl.LOCK_EX

__all__ = ["ALONE", "SHARED", "Lock", "Timeout", "has_record_locks", "try_lock"]

_KERNEL_ENOTSUPP = 524  # not in errno, since the kernel should not answer it to programs; NFS does
_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, _KERNEL_ENOTSUPP}
_told: set[int] = set()  # devices without locks that were named
_found: set[int] = set()  # devices that were seen to have locks

Answer = Literal["held", "busy", "unsupported"]


class Lock:
    """An exclusive lock on the file ``path``, which is made where there is none; use as a context or by hand.

    ``timeout`` is in seconds, negative for ever; filelock's Timeout is raised where another process holds it longer.
    ``is_guarding`` says, once acquired, whether the disk has locks at all.
    """

    def __init__(self, path: Path, timeout: float = -1) -> None:
        self.path, self.timeout = path, timeout
        self.is_guarding = True
        # filelock takes a disk that answers ENOSYS for one where a file that exists is a lock that is held, and would
        # wait for ever for one that an earlier process left: it is asked only where the disk has locks.
        self._lock = FileLock(path)

    def acquire(self, timeout: float | None = None) -> None:
        """Hold the lock. Raises Timeout, and OSError where the file cannot be made."""
        self.is_guarding = _has_locks(self.path)
        if self.is_guarding:
            self._lock.acquire(timeout=self.timeout if timeout is None else timeout)
        else:
            _tell(self.path.parent)

    def release(self) -> None:
        """Let go."""
        self._lock.release()

    def __enter__(self) -> "Lock":
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def try_lock(descriptor: int, kind: int) -> Answer:
    """Try to hold an open file or folder, `SHARED` or `ALONE`, without waiting; closing it lets go."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        return "unsupported" if error.errno in _UNSUPPORTED else "busy"
    return "held"


def has_record_locks(folder: Path) -> bool:
    """Whether the disk of a folder has the locks on parts of files (POSIX) that SQLite takes."""
    if not SHARED:
        return True
    with TemporaryFile(dir=folder) as file:
        try:
            fcntl.lockf(file, ALONE | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno not in _UNSUPPORTED
    return True


def _has_locks(path: Path) -> bool:
    """Whether the disk of a lock file has locks; the file is made. Each disk that has is asked once."""
    if not SHARED:
        return True
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        device = os.fstat(descriptor).st_dev
        if device not in _found and try_lock(descriptor, SHARED) != "unsupported":
            _found.add(device)
        return device in _found
    finally:
        os.close(descriptor)


def _tell(folder: Path) -> None:
    """Say once a disk that nobody is kept out."""
    device = folder.stat().st_dev
    if device not in _told:
        _told.add(device)
        current_reporter().message(
            f"{folder} is on a disk without file locks: nothing keeps two processes from writing there at the same "
            "time; run one at a time"
        )
