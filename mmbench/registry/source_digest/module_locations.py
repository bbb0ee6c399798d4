"""Locations of modules, found without importing them, and whether they are installed."""

import os
import site
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

HOST = "mmbench"


@dataclass(frozen=True)
class Module:
    """A module: full name, file (None for a namespace), folders of submodules (None if it is not a package)."""

    name: str
    file: Path | None
    folders: tuple[str, ...] | None = None

    @property
    def package(self) -> str:
        """The package that its relative imports start from."""
        return self.name if self.folders is not None else self.name.rpartition(".")[0]

    @property
    def label(self) -> str:
        """The path of its file derived from its name, the same on every machine."""
        path = self.name.replace(".", "/")
        suffix = self.file.suffix if self.file else ""
        return f"{path}/__init__{suffix}" if self.folders is not None else path + suffix


def find_module(name: str, folders: Sequence[str]) -> Iterator[Module]:
    """The packages of a module, outermost first, and the module itself, as far as they are found.

    ``folders`` are searched before the path of Python, unless the module is already loaded.
    """
    within: Sequence[str] | None = None
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        full = ".".join(parts[:depth])
        module = _loaded(full) or _findable(full, within, folders)
        if module is None:
            return
        yield module
        if module.folders is None:
            return
        within = module.folders


def _loaded(name: str) -> Module | None:
    """A module that is already imported, which Python would use whatever the search path."""
    module = sys.modules.get(name)
    file, folders = getattr(module, "__file__", None), getattr(module, "__path__", None)
    if module is None or (file is None and folders is None):
        return None
    try:
        return Module(name, Path(file) if file else None, tuple(folders) if folders is not None else None)
    except TypeError:  # not a module, but an object in its place
        return None


def _findable(name: str, within: Sequence[str] | None, folders: Sequence[str]) -> Module | None:
    if within is None and (spec := PathFinder.find_spec(name, list(folders))) and spec.has_location:
        return _of_spec(name, spec)
    for finder in sys.meta_path:
        try:
            spec = finder.find_spec(name, within)
        except Exception:  # a finder of another library, or a namespace within one
            continue
        if spec is not None and (spec.has_location or spec.submodule_search_locations is None):
            return _of_spec(name, spec)
    return _namespace(name, [*folders, *sys.path] if within is None else within)


def _namespace(name: str, folders: Sequence[str]) -> Module | None:
    found = [str(path) for folder in folders if _is_folder(path := Path(folder, name.rpartition(".")[2]))]
    return Module(name, None, tuple(dict.fromkeys(found))) if found else None


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long
        return False


def _of_spec(name: str, spec: ModuleSpec) -> Module:
    folders = spec.submodule_search_locations
    file = Path(spec.origin) if spec.origin and spec.has_location else None
    return Module(name, file, tuple(folders) if folders is not None else None)


def is_installed_file(file: Path) -> bool:
    """Whether a file belongs to Python, to the host or to an installed distribution, which have versions."""
    return any(file.is_relative_to(folder) for folder in _installed_folders()) or _in_site(file)


def is_system_file(file: Path) -> bool:
    """Whether a file is of the system or in a cache: neither code nor data of a plugin."""
    return any(file.is_relative_to(folder) for folder in _system_folders())


@cache
def _system_folders() -> tuple[Path, ...]:
    caches = (os.environ.get(name) for name in ("XDG_CACHE_HOME", "HF_HOME", "TORCH_HOME", "TORCHINDUCTOR_CACHE_DIR"))
    named = ["/dev", "/proc", "/sys", "/etc", "/usr", "/run", *filter(None, caches), "~/.cache", "~/.config"]
    return tuple(each for name in named for each in (Path(name).expanduser(), Path(name).expanduser().resolve()))


def _in_site(file: Path) -> bool:
    return not {"site-packages", "dist-packages"}.isdisjoint(file.parts)


@cache
def _installed_folders() -> tuple[Path, ...]:
    host = Path(__file__).parents[2]
    named = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders = [*map(Path, filter(None, named)), *map(Path, site.getsitepackages()), Path(site.getusersitepackages())]
    return (host, *dict.fromkeys(each for folder in folders for each in (folder, folder.resolve())))
