"""Judges a reader on a corrupted file: it may read it or raise a one-line error; all else is a finding."""

import os
import re
import resource
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmbench import UserError

LONGEST = 2000  # characters of a one-line error
MAX_BYTES = 256 * 2**20  # bytes that reading a file of a few kB may take, unless its reader says otherwise

# Audit events of other programs and of the network; files are checked separately.
_FORBIDDEN = (
    "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "os.kill", "subprocess.Popen", "pty.spawn",
    "socket.connect", "socket.bind", "urllib.Request", "webbrowser.open", "shutil.rmtree", "ctypes.dlopen",
)  # fmt: skip
_IMPORTERS = ("importlib._bootstrap", "importlib._bootstrap_external", "<frozen importlib._bootstrap>")


@dataclass(frozen=True)
class Finding:
    """A fault: ``kind`` is the same for inputs with the same fault, ``detail`` describes it."""

    kind: str
    detail: str


class Judge:
    """Watches what happens in this process while a reader is at work, in and below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder.resolve())
        self._seen: list[str] = []
        self._is_armed = False
        sys.addaudithook(self._hear)

    def judge(self, read: Callable[[Path], object], path: Path, most: int = MAX_BYTES) -> Finding | None:
        """What is wrong with how a file is read; None if nothing is."""
        self._seen.clear()
        before = _reset_peak()
        caught = self._watch(read, path)
        if self._seen:
            return Finding(f"ran {self._seen[0].split()[0]}", "; ".join(self._seen[:3]))
        if _peak() - before > most:
            return Finding("memory", f"reading took {(_peak() - before) >> 20} MB")
        if isinstance(caught, UserError):
            return _fault_of(caught)
        if caught:
            return Finding(f"{type(caught).__name__} at {_where(caught)}", "".join(traceback.format_exception(caught)))
        return None

    def _watch(self, read: Callable[[Path], object], path: Path) -> Exception | None:
        self._is_armed = True
        try:
            read(path)
        except Exception as error:  # every error is judged
            return error
        finally:
            self._is_armed = False
        return None

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._is_armed:
            return
        if event in _FORBIDDEN or (event == "exec" and not _is_import()):
            self._seen.append(f"{event} {args!r:.200}")
        elif event == "open" and _is_written(args) and not self._is_inside(args[0]):
            self._seen.append(f"open {args!r:.200}")

    def _is_inside(self, path: int | str | bytes | os.PathLike[str]) -> bool:
        allowed = (self._folder, "/dev/", "/proc/")
        return isinstance(path, int) or os.path.realpath(os.fsdecode(path)).startswith(allowed)


def _is_written(args: tuple[Any, ...]) -> bool:
    return isinstance(args[2], int) and bool(args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) and args[0] is not None


def _is_import() -> bool:
    """Whether code is run because a library is imported late, or makes one of its own classes."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name in _IMPORTERS or name in ("collections", "dataclasses", "linecache", "re._parser"):
            return True
        frame = frame.f_back
    return False


def _fault_of(error: UserError) -> Finding | None:
    """What is wrong with an error that a user is to read."""
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, MemoryError) or "allocate" in str(chain).lower():
            return Finding(f"memory at {_where(chain)}", f"{error.line!r:.500} because of {chain!r:.300}")
        chain = chain.__cause__ or chain.__context__
    if len(error.line) > LONGEST:
        return Finding(f"long line at {_where(error)}", f"{len(error.line)} characters: {error.line[:200]!r}")
    if odd := [char for char in error.line if not char.isprintable()]:
        return Finding(f"unprintable at {_where(error)}", f"{odd[:5]!r} in {error.line!r:.500}")
    if not error.remedy or not (error.where or "'" in error.message):  # a misspelt name needs no place
        return Finding(f"unclear at {_where(error)}", repr(error.line)[:500])
    return None


def _where(error: BaseException) -> str:
    """The last place in our own code that an error passed."""
    steps = traceback.extract_tb(error.__traceback__)
    ours = [step for step in steps if "/mmbench" in step.filename and "site-packages" not in step.filename] or steps[
        -1:
    ]
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "?"


def _reset_peak() -> int:
    """Forget what this process once took, so that it hides nothing; bytes it has now."""
    Path("/proc/self/clear_refs").write_text("5")  # man 5 proc: sets VmHWM to the present size
    return _peak()


def _peak() -> int:
    line = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert line
    return 1024 * int(line[1])


def limit_memory(room: int) -> None:
    """Let this process take ``room`` bytes more than it has now, and no more."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + room
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
