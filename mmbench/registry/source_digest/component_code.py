"""Digest of a component's code, over all files of its own; unknown where code is computed at run time."""

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
from mmbench.registry.source_digest.source_files import Sources, find_sources
from mmbench.storage import current_reporter, digest, file_digest


class Code(NamedTuple):
    """The code of a component: its ``digest``, and the shortened SHA-256 of each of its ``files`` by name.

    ``paths`` are the paths of the files. ``unknown`` lists where code is run that can only be determined by running it;
    the digest then differs in each process, so that no result is reused.
    """

    digest: str
    files: Mapping[str, str]
    paths: frozenset[Path] = frozenset()
    unknown: tuple[str, ...] = ()

    def is_current(self) -> bool:
        """Whether the files still are those of the digest, which were read when the component was first used."""
        try:
            return {file_digest(path)[:12] for path in self.paths} == set(self.files.values())
        except OSError:
            return False

    def described(self) -> dict[str, Any]:
        """The parts of a cache key: the digest, and the files for messages about differences."""
        return {"code": self.digest, "modules": dict(self.files)}


def code_digest(cls: type) -> str:
    """The digest of a component's code."""
    return find_code(cls).digest


_registered_by: WeakKeyDictionary[type, ModuleType] = WeakKeyDictionary()


def record_origin(component: object, module: ModuleType | None) -> None:
    """Record which module registered a class: a class made by a function also depends on the caller."""
    if isinstance(component, type) and module is not None:
        _registered_by[component] = module


def find_code(cls: type) -> Code:
    """The code of a component: its module, or its folder in a package, and what these import and read.

    Raises PluginError if Python runs an outdated compiled copy of one of the files.
    """
    module = sys.modules.get(cls.__module__)
    is_generated = getattr(module, cls.__qualname__, None) is not cls and cls in _registered_by
    try:
        modules = [_at(inspect.getfile(cls), cls.__module__, module)]
        if is_generated:
            modules.append(_at(inspect.getfile(_registered_by[cls]), _registered_by[cls].__name__, _registered_by[cls]))
    except (OSError, TypeError):
        return Code(_unknown(), {}, unknown=(f"{cls.__name__} is defined in no file",))
    return _find_code(tuple(modules))


def _at(file: str, name: str, module: ModuleType | None) -> tuple[Path, str, bool]:
    """The arguments of `find_sources`; the same for all modules of a package, whose whole folder counts."""
    path, package = Path(file), getattr(module, "__package__", "")
    return (path.with_name("__init__.py"), package, True) if package else (path, name, False)


@cache
def _find_code(modules: tuple[tuple[Path, str, bool], ...]) -> Code:
    found = Sources()
    for path, module, is_packaged in modules:
        found.update(find_sources(path, module, is_packaged))
    for file, copy in found.outdated.items():
        raise PluginError(
            "Python runs an outdated compiled copy of it: the file changed, but not its size and time",
            where=file,
            remedy=f"remove {copy}",
        )
    digests = {name: file_digest(file) for name, file in found.files.items()}
    if found.unknown:
        current_reporter().message(
            f"{found.unknown[0]}, so that its code cannot be determined without running it: its results are not reused"
        )
    code = _unknown() if found.unknown else digest(digests)[:16]
    paths = frozenset(file.resolve() for file in found.files.values())
    return Code(code, {name: value[:12] for name, value in digests.items()}, paths, tuple(found.unknown))


@cache
def _unknown() -> str:
    return f"unknown-{uuid4().hex[:16]}"
