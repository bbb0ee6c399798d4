"""Whether code of a plugin replaced functions, classes or other names of the host's modules."""

import sys
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

_BUILT_IN = "mmbench.builtin"  # components that a plugin may derive from, and no part of what decides

HostNames = Mapping[tuple[str, str], object]
"""What is behind each name of a module or of a class in it."""


def host_names() -> HostNames:
    """The names of the host's modules that are loaded, with what they stand for."""
    return dict(_find_names())


def find_replaced_name(before: HostNames) -> str | None:
    """The first name that stands for something else than before, as ``mmbench.training.metrics.score_all``."""
    now = host_names()
    for name, value in before.items():
        # Identity, not equality: what is behind a name may be an array.
        wrapped = _is_of_torch(now.get((name[0], name[1].removesuffix(".__code__"))))
        if now.get(name, _Gone) is not value and not wrapped:
            return ".".join(name)
    return None


def _is_of_torch(value: object) -> bool:
    """Whether it is what torch puts around the steps of every optimizer."""
    return isinstance(value, FunctionType) and str(value.__globals__.get("__name__")).startswith("torch.")


class _Gone:
    """Stands for a name that is no longer there."""


def _find_names() -> Iterator[tuple[tuple[str, str], object]]:
    for module in list(sys.modules.values()):
        if isinstance(module, ModuleType) and _is_host(module.__name__):
            for name, value in _plain(vars(module)):
                yield (module.__name__, name), value
                yield from _inside(module.__name__, name, value)


def _inside(module: str, name: str, value: Any) -> Iterator[tuple[tuple[str, str], object]]:
    """The methods of a class of this module, and the code of a function of it."""
    if getattr(value, "__module__", None) != module:
        return
    if isinstance(value, FunctionType):
        yield (module, f"{name}.__code__"), value.__code__
        yield (module, f"{name}.__defaults__"), value.__defaults__
    elif isinstance(value, type):
        for inner, item in _plain(vars(value)):
            yield (module, f"{name}.{inner}"), item
            if isinstance(item, FunctionType) and not _is_of_torch(item):
                yield (module, f"{name}.{inner}.__code__"), item.__code__


def _plain(names: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Names but for those that Python and its libraries set by themselves; ``__init__`` and its like are methods."""
    return [(name, value) for name, value in names.items() if callable(value) or not name.startswith("_")]


def _is_host(module: str) -> bool:
    return module.startswith("mmbench.") and module != _BUILT_IN and not module.startswith(f"{_BUILT_IN}.")
