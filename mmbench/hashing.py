"""Names by content: digests of values, files and code."""

import hashlib
import inspect
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from uuid import uuid4
from weakref import WeakKeyDictionary

from mmbench.documents import load_object
from mmbench.errors import PluginError
from mmbench.files import ignored_where_read_only, write_text
from mmbench.progress import reporter
from mmbench.sources import Sources, find_sources


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no blanks: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain, ensure_ascii=False)


def digest(value: object) -> str:
    """SHA-256 of the canonical JSON of ``value``, in hexadecimal."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def key_digest(parts: object) -> str:
    """The digest of the parts of a key, without the modules of components, whose code they only explain."""
    return digest(_without_modules(parts))


def _without_modules(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    return {key: _without_modules(each) for key, each in value.items() if key != "modules" or "code" not in value}


class Code(NamedTuple):
    """The code of a component: its ``digest``, and SHA-256 of each of its ``files``, shortened, by name.

    ``paths`` are where they lie.
    ``unknown`` says where it runs code that only running it would tell. Its digest is then another one in each process,
    so that nothing is used again.
    """

    digest: str
    files: Mapping[str, str]
    paths: frozenset[Path] = frozenset()
    unknown: tuple[str, ...] = ()

    def described(self) -> dict[str, Any]:
        """As keys tell it: the digest names, the files explain."""
        return {"code": self.digest, "modules": dict(self.files)}


def code_digest(cls: type) -> str:
    """The digest of a component's code."""
    return find_code(cls).digest


_origins: WeakKeyDictionary[type, ModuleType] = WeakKeyDictionary()


def note_origin(component: object, module: ModuleType | None) -> None:
    """Keep which module registered a class: one that is made by a function is known by who calls it, too."""
    if isinstance(component, type) and module is not None:
        _origins[component] = module


def find_code(cls: type) -> Code:
    """The code of a component: its module, or its folder in a package, and what these import and read beside them.

    Raises PluginError where Python runs an outdated compiled copy of one of the files.
    """
    module = sys.modules.get(cls.__module__)
    is_made = getattr(module, cls.__qualname__, None) is not cls and cls in _origins
    try:
        modules = [_at(inspect.getfile(cls), cls.__module__, module)]
        if is_made:
            modules.append(_at(inspect.getfile(_origins[cls]), _origins[cls].__name__, _origins[cls]))
    except (OSError, TypeError):
        return Code(_unknown(), {}, unknown=(f"{cls.__name__} is written in no file",))
    return _find_code(tuple(modules))


def _at(file: str, name: str, module: ModuleType | None) -> tuple[Path, str, bool]:
    """What `find_sources` is asked for; the same for all modules of a package, whose folder counts whole."""
    path, package = Path(file), getattr(module, "__package__", "")
    return (path.with_name("__init__.py"), package, True) if package else (path, name, False)


@cache
def _find_code(modules: tuple[tuple[Path, str, bool], ...]) -> Code:
    found = Sources()
    for path, module, is_packaged in modules:
        found.update(find_sources(path, module, is_packaged))
    for file, copy in found.outdated.items():
        raise PluginError(
            "Python runs an older compiled copy of it: it has changed since, but for its size and time",
            where=file,
            remedy=f"remove {copy}",
        )
    digests = {name: file_digest(file) for name, file in found.files.items()}
    if found.unknown:
        reporter().message(
            f"{found.unknown[0]}, so its code is known only by running it: nothing it makes is used again"
        )
    code = _unknown() if found.unknown else digest(digests)[:16]
    paths = frozenset(file.resolve() for file in found.files.values())
    return Code(code, {name: value[:12] for name, value in digests.items()}, paths, tuple(found.unknown))


@cache
def _unknown() -> str:
    return f"unknown-{uuid4().hex[:16]}"


def file_digest(path: Path) -> str:
    """SHA-256 of the content of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_ENTRY = 4  # size, time of the content, inode and time of the last change, digest


class FileDigests:
    """SHA-256 of files, remembered by size and times of change so that a file is read once."""

    def __init__(self, memory: Path) -> None:
        self.memory = memory
        self._known: dict[str, list[Any]] = _load(memory)
        self._changed = False

    def __call__(self, path: Path) -> str:
        """Digest of the content of ``path``."""
        path = path.resolve()
        stat = path.stat()
        # Tools that copy set the time of the content back; the time of the last change they cannot set.
        stamp = [stat.st_size, stat.st_mtime_ns, f"{stat.st_ino}-{stat.st_ctime_ns}"]
        known = self._known.get(str(path))
        if known and known[:3] == stamp:
            return str(known[3])
        value = file_digest(path)
        self._known[str(path)] = [*stamp, value]
        self._changed = True
        return value

    def save(self) -> None:
        """Keep what was learnt for the next run, unless the folder may only be read."""
        if self._changed:
            with ignored_where_read_only():
                write_text(self.memory, json.dumps(self._known))


def _load(memory: Path) -> dict[str, list[Any]]:
    try:
        known = load_object(memory)
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
