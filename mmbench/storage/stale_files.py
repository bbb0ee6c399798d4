"""Removal of stale temporary files that killed processes left in a folder.

A process that writes in a folder holds a shared lock on the folder, which the system releases when the process ends. A
process that gets the exclusive lock knows that no other one writes there. The lock is on the folder because writers
replace the temporary file they are given, HDF5 locks its files itself, and a lock file would be one more file to leave
behind. On network file systems a lock on a folder is known only to its own machine: the name of a temporary file
contains an id of the machine, and each machine removes its own files.
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

from mmbench.storage.locks import EXCLUSIVE, SHARED, try_lock

_PATIENCE = 0.2  # seconds that a writer waits for a process that cleans; another program may hold a folder for long
_PAUSE = 0.005
_cleaned: set[tuple[int, int]] = set()  # folders by device and inode, each cleaned once per process


@contextmanager
def hold_as_writer(folder: Path) -> Iterator[str]:
    """Hold the shared lock of writers on a folder; yields the `machine_id`, "" where the folder cannot be locked.

    Stale temporary files are removed the first time that this process finds no other writer there.
    """
    held = _open(folder)
    try:
        yield machine_id() if held is not None and _enter(held) else ""
    finally:
        if held is not None:
            os.close(held)


@contextmanager
def hold_exclusively(folder: Path) -> Iterator[bool]:
    """Hold the exclusive lock on a folder; yields False if a process of this machine writes there."""
    held = _open(folder)
    try:
        yield held is not None and try_lock(held, EXCLUSIVE) == "held"
    finally:
        if held is not None:
            os.close(held)


def is_stale(name: str) -> bool:
    """Whether a name is that of a temporary file of this machine: stale if no process writes in its folder."""
    return re.fullmatch(rf"\.part-{machine_id()}[0-9a-f]{{8}}-.+", name) is not None


@cache
def machine_id() -> str:
    """Eight hexadecimal digits that identify this machine among those that write to the same disk."""
    identity = ""
    with suppress(OSError):
        identity = Path("/etc/machine-id").read_text(encoding="ascii")
    return hashlib.sha256(f"{platform.node()} {identity}".encode()).hexdigest()[:8]


def _open(folder: Path) -> int | None:
    try:
        # On Unix only: elsewhere nothing is locked, and nothing removed.
        return os.open(folder, os.O_RDONLY) if SHARED else None
    except OSError:  # a folder may be writable and not readable
        return None


def _enter(folder: int) -> bool:
    """Take the shared lock on a folder; remove stale files the first time that no other process holds it."""
    stat = os.fstat(folder)
    if (stat.st_dev, stat.st_ino) not in _cleaned and try_lock(folder, EXCLUSIVE) == "held":
        _clean(folder)
        _cleaned.add((stat.st_dev, stat.st_ino))
    end = time.monotonic() + _PATIENCE
    while (answer := try_lock(folder, SHARED)) == "busy" and time.monotonic() < end:
        time.sleep(_PAUSE)
    return answer == "held"


def _clean(folder: int) -> None:
    with suppress(OSError), os.scandir(folder) as entries:
        for stale in [entry.name for entry in entries if is_stale(entry.name) and entry.is_file(follow_symlinks=False)]:
            os.unlink(stale, dir_fd=folder)
