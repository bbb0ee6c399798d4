"""Base class of everything that a plugin registers under a name."""

from collections.abc import Mapping
from typing import ClassVar

from mmbench.contract.space import Distribution


class Component:
    """Anything a plugin can register under a name.

    Parameters are keyword-only arguments of ``__init__`` with defaults and annotations; the command line sets them as
    ``name[param=value]``. ``space`` has the ranges of those to tune. Raise ``version`` when the same parameters
    compute something else: it is part of every cache key and record. ``conformance`` holds parameters for the
    conformance checks, where the defaults are too large or need the network.
    """

    name: ClassVar[str]
    version: ClassVar[str] = "1"
    space: ClassVar[Mapping[str, Distribution]] = {}
    conformance: ClassVar[Mapping[str, object]] = {}


def overrides(component: object, method: str, base: type) -> bool:
    """Whether ``component`` implements the optional ``method`` of its contract ``base`` itself."""
    return getattr(type(component), method) is not getattr(base, method)
