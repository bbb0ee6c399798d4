"""What killed writers left: a file aside may go once no process of this machine writes in its folder.

Who writes in a folder holds a shared lock on the folder itself, which the system releases when the process ends,
however it does; who can have it alone knows that nobody writes there. It is taken on the folder since writers put files
of their own in place of the one they were given, HDF5 locks its files itself, and a file for the lock would be one more
to make and to leave behind. Network file systems keep locks on folders to the machine that holds them, so the name of
a file aside tells the machine, and each removes its own.
"""

import hashlib
import os
import platform
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from mmbench.storage.locks import ALONE, SHARED, try_lock

_PATIENCE = 0.2  # seconds that a writer waits for who cleans; another program may hold a folder for long
_PAUSE = 0.005
_cleaned: set[tuple[int, int]] = set()  # folders by device and inode, each looked through once a process


@contextmanager
def hold_as_writer(folder: Path) -> Iterator[str]:
    """Be one of those who write in a folder: what the names of files aside begin with, "" where it cannot be locked.

    The first time in a process that nobody else does, what killed writers left there is removed.
    """
    held = _open(folder)
    try:
        yield machine_id() if held is not None and _enter(held) else ""
    finally:
        if held is not None:
            os.close(held)


@contextmanager
def hold_exclusively(folder: Path) -> Iterator[bool]:
    """Whether nobody on this machine writes in a folder; nobody begins to while the block runs."""
    held = _open(folder)
    try:
        yield held is not None and try_lock(held, ALONE) == "held"
    finally:
        if held is not None:
            os.close(held)


def is_stale(name: str) -> bool:
    """Whether a file is one aside that a process of this machine wrote: left over where nobody writes in its folder."""
    return re.fullmatch(rf"\.part-{machine_id()}[0-9a-f]{{8}}-.+", name) is not None


@cache
def machine_id() -> str:
    """Eight digits that tell this machine from others that write to the same disk."""
    identity = ""
    with suppress(OSError):
        identity = Path("/etc/machine-id").read_text(encoding="ascii")
    return hashlib.sha256(f"{platform.node()} {identity}".encode()).hexdigest()[:8]


def _open(folder: Path) -> int | None:
    try:
        # Of Unix only: elsewhere nothing is locked, and nothing removed.
        return os.open(folder, os.O_RDONLY) if SHARED else None
    except OSError:  # one that may be written to, and not listed
        return None


def _enter(folder: int) -> bool:
    """Hold a folder as one who writes there, and remove what was left, the first time that nobody else does."""
    stat = os.fstat(folder)
    if (stat.st_dev, stat.st_ino) not in _cleaned and try_lock(folder, ALONE) == "held":
        _clean(folder)
        _cleaned.add((stat.st_dev, stat.st_ino))
    end = time.monotonic() + _PATIENCE
    while (answer := try_lock(folder, SHARED)) == "busy" and time.monotonic() < end:
        time.sleep(_PAUSE)
    return answer == "held"


def _clean(folder: int) -> None:
    with suppress(OSError), os.scandir(folder) as entries:
        for left in [entry.name for entry in entries if is_stale(entry.name) and entry.is_file(follow_symlinks=False)]:
            os.unlink(left, dir_fd=folder)
