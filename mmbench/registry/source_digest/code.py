"""The digest of a component's code: all of its own files, and what of it cannot be known."""

import inspect
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from uuid import uuid4
from weakref import WeakKeyDictionary

from mmbench.errors import PluginError
from mmbench.registry.source_digest.finding import Sources, find_sources
from mmbench.storage import current_reporter, digest, file_digest


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


def record_origin(component: object, module: ModuleType | None) -> None:
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
        current_reporter().message(
            f"{found.unknown[0]}, so its code is known only by running it: nothing it makes is used again"
        )
    code = _unknown() if found.unknown else digest(digests)[:16]
    paths = frozenset(file.resolve() for file in found.files.values())
    return Code(code, {name: value[:12] for name, value in digests.items()}, paths, tuple(found.unknown))


@cache
def _unknown() -> str:
    return f"unknown-{uuid4().hex[:16]}"
