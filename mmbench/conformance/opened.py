"""Files that are opened within a block, recorded by an audit hook."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

CODE = {".py", ".pyc", ".so", ".pyd", ".dylib"}

# An audit hook cannot be removed: a single one serves all blocks, and records only while there is a listener.
_listeners: list[set[Path]] = []


@contextmanager
def opened_files() -> Iterator[set[Path]]:
    """Collect the files that Python opens within the block, without code; libraries in C may open others unseen."""
    _hook_once()
    opened: set[Path] = set()
    _listeners.append(opened)
    try:
        yield opened
    finally:
        _listeners.remove(opened)


@cache
def _hook_once() -> None:
    sys.addaudithook(_on_event)


def _on_event(event: str, arguments: tuple[object, ...]) -> None:
    if not _listeners or event != "open" or not isinstance(arguments[0], str | bytes):
        return
    path = Path(os.fsdecode(arguments[0])).resolve()
    if path.suffix not in CODE:
        for opened in _listeners:
            opened.add(path)
