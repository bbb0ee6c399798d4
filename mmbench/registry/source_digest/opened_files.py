"""Files that a module opens while it is imported, recorded by an audit hook."""

import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from mmbench.registry.source_digest.module_locations import is_installed_file, is_system_file

_CODE = {".py", ".pyc", ".pyo", ".so", ".pyd", ".pth"}
_IMPORT = "<frozen importlib._bootstrap>"
_opened: dict[str, dict[str, Path]] = defaultdict(dict)
_recording = 0


@contextmanager
def record_opened_files() -> Iterator[None]:
    """Record which files modules open while they are imported within the block."""
    global _recording
    _hook_once()
    _recording += 1
    try:
        yield
    finally:
        _recording -= 1


def opened_by(file: Path) -> dict[str, Path]:
    """The data files that the module in ``file`` opened while it was imported, by their path from its folder."""
    found = _opened.get(os.path.realpath(file), {})
    return {name: path for name, path in found.items() if path.is_file()}


@cache
def _hook_once() -> None:
    sys.addaudithook(_on_event)  # it cannot be removed, and records only within a block


def _on_event(event: str, arguments: tuple[Any, ...]) -> None:
    if not _recording or event != "open":
        return
    if isinstance(arguments[0], str | bytes | os.PathLike) and opens_for_reading(arguments[1:]):
        _record(os.fsdecode(arguments[0]), sys._getframe(1))


def opens_for_reading(how: tuple[Any, ...]) -> bool:
    """Whether a file is opened for reading only, from the mode and the flags of an audit event."""
    mode, flags = (*how, None, None)[:2]
    if isinstance(mode, str):
        return not set("wax+").intersection(mode)
    return not (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _record(name: str, frame: FrameType | None) -> None:
    path = Path.cwd() / name
    if path.suffix in _CODE or is_system_file(path) or is_installed_file(path):
        return
    if (module := _importing(frame)) is not None:
        label = Path(os.path.relpath(path, module.parent)).as_posix()
        _opened[os.path.realpath(module)][path.name if label.startswith("..") else label] = path


def _importing(frame: FrameType | None) -> Path | None:
    """The file of the innermost module on the stack that is not installed; None while it imports an installed one."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file == _IMPORT and frame.f_code.co_name == "_find_and_load":
            return None  # what a library opens when it is loaded depends on whether it is loaded already
        if not file.startswith("<") and not is_installed_file(Path(file)):
            return Path(file)
        frame = frame.f_back
    return None
