"""Which files a piece of code opens."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

CODE = {".py", ".pyc", ".so", ".pyd", ".dylib"}

# An audit hook cannot be taken away again, so there is one for all, which listens only while a set is here.
_listeners: list[set[Path]] = []


@contextmanager
def opened_files() -> Iterator[set[Path]]:
    """Collect the files that Python opens within the block, but for code; libraries in C may open more unseen."""
    _hook_once()
    opened: set[Path] = set()
    _listeners.append(opened)
    try:
        yield opened
    finally:
        _listeners.remove(opened)


@cache
def _hook_once() -> None:
    sys.addaudithook(_hear)


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if not _listeners or event != "open" or not isinstance(arguments[0], str | bytes):
        return
    path = Path(os.fsdecode(arguments[0])).resolve()
    if path.suffix not in CODE:
        for opened in _listeners:
            opened.add(path)
