"""Import of braindecode's networks, also beside versions of MOABB that braindecode does not know."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


def import_models() -> ModuleType:
    """The module ``braindecode.models``; ImportError if it is not installed.

    braindecode 0.8 names its datasets after classes of MOABB that MOABB 1.7 has no more, and cannot be imported beside
    it. It does without where MOABB is not installed, and its networks need none.
    """
    with _hidden("moabb"):
        from braindecode import models
    found: ModuleType = models
    return found


@contextmanager
def _hidden(package: str) -> Iterator[None]:
    """Make a package look as if it were not installed; what was loaded of it is there again afterwards."""
    loaded = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == package}
    sys.modules[package] = None  # type: ignore[assignment]  # as the import system marks what cannot be found
    try:
        yield
    finally:
        del sys.modules[package]
        sys.modules.update(loaded)
