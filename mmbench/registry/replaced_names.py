"""Detection of plugins that replace functions, classes or other names of the host's modules."""

import sys
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

_BUILT_IN = "mmbench.builtin"  # components, from which plugins may derive; they decide nothing about fairness

HostNames = Mapping[tuple[str, str], object]
"""The object of each name of a module, or of a class in it."""


def host_names() -> HostNames:
    """The names in the loaded modules of the host, with their objects."""
    return dict(_find_names())


def find_replaced_name(before: HostNames) -> str | None:
    """The first name whose object is not that in ``before``, such as ``mmbench.training.metrics.score_all``."""
    now = host_names() if before else {}
    for name, value in before.items():
        # Identity, not equality: an object may be an array.
        wrapped = _is_of_torch(now.get((name[0], name[1].removesuffix(".__code__"))))
        if now.get(name, _Gone) is not value and not wrapped:
            return ".".join(name)
    return None


def _is_of_torch(value: object) -> bool:
    """Whether a value is the wrapper that torch puts around the steps of optimizers."""
    return isinstance(value, FunctionType) and str(value.__globals__.get("__name__")).startswith("torch.")


class _Gone:
    """Marks a name that no longer exists."""


def _find_names() -> Iterator[tuple[tuple[str, str], object]]:
    for module in list(sys.modules.values()):
        if isinstance(module, ModuleType) and _is_host(module.__name__):
            for name, value in _plain(vars(module)):
                yield (module.__name__, name), value
                yield from _find_members(module.__name__, name, value)


def _find_members(module: str, name: str, value: Any) -> Iterator[tuple[tuple[str, str], object]]:
    """The methods of a class and the code of a function of this module."""
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
    """Names without private attributes, which Python and libraries set; methods such as ``__init__`` are kept."""
    return [(name, value) for name, value in names.items() if callable(value) or not name.startswith("_")]


def _is_host(module: str) -> bool:
    return module.startswith("mmbench.") and module != _BUILT_IN and not module.startswith(f"{_BUILT_IN}.")
