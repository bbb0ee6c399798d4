"""Import of plugins from Python files."""

import hashlib
import importlib
import importlib.util
import os
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from mmbench.errors import PluginError
from mmbench.registry.source_digest import find_sources


def load_plugin_file(file: str) -> ModuleType:
    """Import a plugin from a Python file; PluginError if it is missing or its name is not valid."""
    path = Path(file).resolve()
    if not path.is_file():
        raise PluginError("no such file", where=file, remedy="give --plugin the path of a Python file")
    if not os.fsencode(path.name).isascii() and path.name.encode(errors="replace") != os.fsencode(path.name):
        raise PluginError("its name is not UTF-8 and cannot be stored in records", where=file, remedy="rename it")
    name = f"mmbench_file_{path.stem}_{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError("is not a Python file", where=file, remedy="give --plugin a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    for copy in find_sources(path, path.stem, is_packaged=False).outdated.values():
        with suppress(OSError):  # an error is raised when the digest of the code is computed
            copy.unlink()
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
