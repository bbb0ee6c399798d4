"""File guard: encoders, fusions, estimators and trainers may not open files with labels, other folds or test data.

A Python audit hook sees files that Python opens. Libraries in C bypass it, so that the open functions of h5py and
safetensors, the formats of mmbench's own files, are wrapped while a guard is active. Code of mmbench may read any file:
the guard inspects the stack for code of plugins.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from itertools import pairwise
from os import PathLike, fsdecode
from pathlib import Path
from tempfile import gettempdir
from threading import Lock, local
from types import FrameType
from typing import Any

from torch import nn

from mmbench.contract import Encoder, Estimator, Fusion, Trainer
from mmbench.data import Preparation
from mmbench.errors import PluginError
from mmbench.integrity.behaviour import observe_behaviour
from mmbench.registry import (
    build_fusion,
    find_code,
    is_installed_file,
    is_system_file,
    load_registry,
    opens_for_reading,
)
from mmbench.storage import current_reporter
from mmbench.training import EstimatorFusion, EstimatorModel, Model, fit, make_criterion

_REMEDY = "results of such a component are not valid: fix it, or leave it out"
# The modules of the host that call components. They open no file themselves.
_CALLERS = frozenset(
    each.__module__
    for each in (
        build_fusion,
        Encoder,
        Estimator,
        EstimatorModel,
        Fusion,
        Trainer,
        Model,
        fit,
        make_criterion,
        observe_behaviour,
    )
)
# Functions that open files in C, which no audit hook sees.
_OPENERS = (("h5py.h5f", "open"), ("safetensors", "safe_open"), ("safetensors.torch", "safe_open"))


def name_component(component: nn.Module | Estimator | Trainer, plugins: tuple[str, ...]) -> str:
    """Name of an encoder, fusion, estimator or trainer and its plugin for errors, as in `mmbench list`."""
    if isinstance(component, EstimatorFusion):
        component = component.estimator
    cls = type(component)
    kinds = {"encoder": Encoder, "estimator": Estimator, "trainer": Trainer}
    kind = next((kind for kind, base in kinds.items() if isinstance(component, base)), "fusion")
    entries = getattr(load_registry(plugins), f"{kind}s").values()
    entry = next((entry for entry in entries if entry.component is cls), None)
    modality = getattr(component, "modality", None) if kind == "encoder" else None
    read = f" of {modality.name}" if modality is not None else ""
    return f"{kind} {entry.name if entry else cls.__name__}{read}" + (f" (plugin {entry.plugin})" if entry else "")


def find_named_files(params: Iterable[Mapping[str, Any]]) -> frozenset[Path]:
    """Paths of all text parameters of components, whether or not they exist."""
    return frozenset(Path(value).resolve() for each in params for value in each.values() if isinstance(value, str))


@dataclass(frozen=True)
class ClosedFiles:
    """Files that components of one method may not open: prepared data, tokens, records, and the dataset's files.

    ``run`` is the folder of its records; None before there is one. ``files`` defines the dataset's files; ``given`` are
    files named by parameters of the components, which they may open unless they are in ``cache``.
    """

    label: str
    plugins: tuple[str, ...]
    cache: tuple[Path, ...]
    run: Path | None = None
    files: Preparation | None = None
    given: frozenset[Path] = frozenset()

    def what(self, path: Path) -> str | None:
        """What the closed file ``path`` is; None if it may be opened."""
        if any(path.is_relative_to(folder) for folder in self.cache):
            return "the prepared data"
        if path in self.given:
            return None
        if self.run is not None and path.is_relative_to(self.run.parent):
            return "the records of this run"
        if self.run is not None and path.is_relative_to(self.run.parents[1]) and _is_record(path):
            return "the records of another run"
        if self.files is not None and path.is_relative_to(self.files.root.resolve()) and path in self._sources:
            return "the dataset's files"
        return None

    @cached_property
    def _sources(self) -> frozenset[Path]:
        # Only computed when a component opens a file in the dataset's folder: there may be many.
        assert self.files is not None
        dataset, root = load_registry(self.files.plugins).dataset(self.files.dataset), self.files.root
        return frozenset(path.resolve() for unit in dataset.units(root) for path in dataset.sources(root, unit))


def _is_shared_file(path: Path) -> bool:
    temporary = Path(gettempdir()).resolve()
    return is_installed_file(path) or is_system_file(path) or path.is_relative_to(temporary)


def _is_record(path: Path) -> bool:
    return path.name == "folds.json" or path.name.startswith(("fold-", "tuning-"))


class _Guard:
    """The closed files, and the first error."""

    def __init__(self, closed: ClosedFiles) -> None:
        self.closed = closed
        self.error: PluginError | None = None

    def check(self, path: Path, frame: FrameType, reads: bool) -> None:
        """Raise PluginError if code of a plugin opens a closed file, and keep the error.

        A file that it ``reads`` and that is not part of any cache key is reported once per process.
        """
        stack = list(_frames_outwards(frame))
        if not _is_called_by_host(stack, self._modules):
            return
        what = self.closed.what(path)
        if what is None and reads:
            self._report_unknown(path, stack)
        if what:
            component = self._find_component(stack)
            error = PluginError(f"opens {what} while it is trained or tested: {path}", where=component, remedy=_REMEDY)
            self.error = self.error or error
            raise error

    def _report_unknown(self, path: Path, stack: Sequence[FrameType]) -> None:
        if path in _reported or path in self.closed.given or path.suffix in (".py", ".pyc") or _is_shared_file(path):
            return
        owners = (frame.f_locals.get("self") for frame in stack)
        components = {type(each) for each in owners if isinstance(each, Encoder | Estimator | Fusion | Trainer)}
        if path.is_file() and not any(path in find_code(component).paths for component in components):
            _reported.add(path)
            text = "which is not part of its cache key: results are reused when it changes, unless a parameter names it"
            current_reporter().message(f"{self._find_component(stack)} reads {path}, {text}")

    @cached_property
    def _modules(self) -> frozenset[str]:
        registry = load_registry(self.closed.plugins)
        kinds = (registry.encoders, registry.fusions, registry.estimators, registry.trainers)
        entries = [entry for kind in kinds for entry in kind.values()]
        return frozenset(entry.component.__module__ for entry in entries)

    def _find_component(self, stack: Sequence[FrameType]) -> str:
        # Outermost first: a component may contain others.
        owners = [frame.f_locals.get("self") for frame in reversed(stack)]
        for kind in (Encoder | Estimator | Fusion, Trainer):  # a trainer calls encoders and fusions
            if found := next((each for each in owners if isinstance(each, kind)), None):
                return name_component(found, self.closed.plugins)
        return self.closed.label


def _frames_outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_called_by_host(stack: Sequence[FrameType], modules: frozenset[str]) -> bool:
    """Whether code that mmbench called as a component is on the stack, innermost frame first."""
    names = [str(frame.f_globals.get("__name__", "")) for frame in stack]
    called = any(outer in _CALLERS and not _is_host(inner) for inner, outer in pairwise(names))
    # The stack of a thread that a plugin started has no frame of mmbench.
    return called or (not any(map(_is_host, names)) and not modules.isdisjoint(names))


def _is_host(module: str) -> bool:
    return module.startswith("mmbench.") and not module.startswith("mmbench.builtin.")


_active: list[_Guard] = []
_reported: set[Path] = set()
_lock = Lock()
_checking = local()


@contextmanager
def guard_files(closed: ClosedFiles) -> Iterator[None]:
    """Prevent components from opening ``closed`` files within the block; PluginError names the component.

    The error is raised again at the end of the block if the component suppressed it.
    """
    guard = _Guard(closed)
    with _activated(guard):
        try:
            yield
        except Exception as error:
            if guard.error is not None and error is not guard.error:
                raise guard.error from error
            raise
    if guard.error is not None:
        raise guard.error


@contextmanager
def _activated(guard: _Guard) -> Iterator[None]:
    _hook_once()
    with _lock:
        _active.append(guard)
        if len(_active) == 1:
            _wrap_openers()
    try:
        yield
    finally:
        with _lock:
            _active.remove(guard)
            if not _active:
                _restore_openers()


@cache
def _hook_once() -> None:
    # An audit hook cannot be removed: there is one, which does nothing unless a guard is active.
    sys.addaudithook(_on_event)


def _on_event(event: str, arguments: tuple[Any, ...]) -> None:
    if _active and event == "open":
        _check_open(arguments[0], sys._getframe(1), opens_for_reading(arguments[1:]))


def _check_open(file: object, frame: FrameType, reads: bool = True) -> None:
    if not isinstance(file, str | bytes | PathLike) or getattr(_checking, "now", False):
        return
    _checking.now = True  # resolving a path may open files itself
    try:
        path = Path(fsdecode(file)).resolve()
        for guard in reversed(_active):
            guard.check(path, frame, reads)
    finally:
        _checking.now = False


_originals: list[tuple[Any, str, Any]] = []


def _wrap_openers() -> None:
    for module, name in _OPENERS:
        module_object = import_module(module)
        opener = getattr(module_object, name)
        _originals.append((module_object, name, opener))
        setattr(module_object, name, _wrap(opener))


def _restore_openers() -> None:
    while _originals:
        setattr(*_originals.pop())


def _wrap(opener: Callable[..., Any]) -> Callable[..., Any]:
    def watched(file: Any, *arguments: Any, **options: Any) -> Any:
        _check_open(file, sys._getframe(1))
        return opener(file, *arguments, **options)

    return watched
