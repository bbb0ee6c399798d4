"""Digests of values and files, and file names and random generators derived from them."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench.storage.files import ignore_unwritable, write_text
from mmbench.storage.folders import FileResolver
from mmbench.storage.json_toml import load_object

if TYPE_CHECKING:
    import numpy as np


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain, ensure_ascii=False)


def digest(value: object) -> str:
    """SHA-256 of the canonical JSON of ``value``, in hexadecimal."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def key_digest(parts: object) -> str:
    """The digest of the parts of a key, without the ``modules`` of components: ``code`` is already their digest."""
    return digest(_without_modules(parts))


def _without_modules(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    return {key: _without_modules(each) for key, each in value.items() if key != "modules" or "code" not in value}


_MAX_LENGTH = 120  # characters of a file name; with prefixes and suffixes it stays below the limit of 255


def slug(text: str) -> str:
    """A file name made from ``text``; never empty, ``.`` or ``..``."""
    name = re.sub(r"[^A-Za-z0-9.=-]+", "_", text).strip("_")
    if not name.strip("."):
        return digest(text)[:8]
    return name if len(name) <= _MAX_LENGTH else f"{name[: _MAX_LENGTH - 9]}-{digest(text)[:8]}"


def named_generator(*names: str) -> "np.random.Generator":
    """A random generator seeded by ``names``."""
    import numpy as np

    return np.random.default_rng(int(digest(names)[:16], 16))


def file_digest(path: Path) -> str:
    """SHA-256 of the content of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_stamp(path: str | Path) -> list[Any]:
    """What changes with the content of a file: its size, time of modification, and inode with time of change, in ns.

    Copying tools may restore the modification time; the time of the last change (ctime) they cannot set.
    """
    stat = os.stat(path)  # noqa: PTH116  # thousands of paths are strings
    return [stat.st_size, stat.st_mtime_ns, f"{stat.st_ino}-{stat.st_ctime_ns}"]


_ENTRY = 4  # size, time of the content, inode and time of the last change, digest


class FileDigests:
    """SHA-256 of files, cached by size and times of change so that a file is read once."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self._known: dict[str, list[Any]] = _load(cache)
        self._changed = False
        self._resolve = FileResolver()

    def __call__(self, path: Path) -> str:
        """Digest of the content of ``path``."""
        name = self._resolve(path)
        stamp = file_stamp(name)
        known = self._find(name, stamp)
        if known is not None:
            return known
        value = file_digest(Path(name))
        self._known[name] = [*stamp, value]
        self._changed = True
        return value

    def find(self, path: Path) -> str | None:
        """The digest of ``path`` if it is known, None if the file has to be read."""
        name = self._resolve(path)
        return self._find(name, file_stamp(name))

    def _find(self, name: str, stamp: list[Any]) -> str | None:
        known = self._known.get(name)
        return str(known[3]) if known and known[:3] == stamp else None

    def save(self) -> None:
        """Keep the digests for the next run, unless the folder is read-only."""
        if self._changed:
            with ignore_unwritable():
                write_text(self.cache, json.dumps(self._known))


def _load(cache: Path) -> dict[str, list[Any]]:
    try:
        known = load_object(cache)
    except (OSError, ValueError):
        return {}
    return {path: entry for path, entry in known.items() if isinstance(entry, list) and len(entry) == _ENTRY}


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no canonical JSON")
