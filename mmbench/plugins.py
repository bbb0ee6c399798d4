"""Finds plugins and keeps what they register; a broken plugin is set aside by name and the rest goes on."""

import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import pluggy

from mmbench import hookspecs
from mmbench.components import Component, Dataset, Method
from mmbench.errors import PluginError, SpecError
from mmbench.integrity import find_replaced, host_names
from mmbench.specs import Spec, bind, did_you_mean, parse_spec

MODALITIES = "modalities"  # the ablation that the host makes
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True)
class Entry:
    """A registered component and the plugin it is from."""

    name: str
    plugin: str
    component: Any


@dataclass(frozen=True)
class Failure:
    """A plugin, or a component of one, that was set aside, and why."""

    plugin: str
    error: str


class Registry:
    """Everything that plugins registered. Each kind is collected when it is first asked for."""

    def __init__(self, plugin_files: Sequence[str] = ()) -> None:
        self.failures: list[Failure] = []
        self._manager = pluggy.PluginManager("mmbench")
        self._manager.add_hookspecs(hookspecs)
        self._add("builtin", lambda: importlib.import_module("mmbench.builtin.plugin"))
        for point in sorted(entry_points(group="mmbench"), key=lambda point: point.name):
            name = _distribution(point)
            self._add(f"{name}:{point.name}" if self._manager.has_plugin(name) else name, point.load)
        for file in dict.fromkeys(plugin_files):
            self._add(file, lambda file=file: load_file(file))  # type: ignore[misc]

    @cached_property
    def datasets(self) -> Mapping[str, Entry]:
        """Dataset classes by name."""
        return self._collect("register_datasets", lambda item: _check_class(item, Dataset))

    @cached_property
    def encoders(self) -> Mapping[str, Entry]:
        """Encoder classes by name."""
        from mmbench.networks import Encoder

        return self._collect("register_encoders", lambda item: _check_class(item, Encoder))

    @cached_property
    def fusions(self) -> Mapping[str, Entry]:
        """Fusion classes by name."""
        from mmbench.networks import Fusion

        return self._collect("register_fusions", lambda item: _check_class(item, Fusion))

    @cached_property
    def methods(self) -> Mapping[str, Entry]:
        """Registered recipes, and every fusion as a method of its own name."""
        own = {name: Entry(name, entry.plugin, Method(name=name, fusion=name)) for name, entry in self.fusions.items()}
        registered = self._collect("register_methods", self._check_method, own)
        return {**own, **registered}

    def find(self, kind: str, name: str) -> Entry:
        """The component ``name`` among ``kind`` (datasets, encoders, ...); SpecError with a hint when unknown."""
        known: Mapping[str, Entry] = getattr(self, kind)
        if name in known:
            return known[name]
        broken = "".join(f"; plugin {failure.plugin} failed: {failure.error}" for failure in self.failures)
        raise SpecError(f"no {kind.removesuffix('s')} {name!r}{broken}", remedy=did_you_mean(name, known))

    def is_own(self, kind: str, name: str) -> bool:
        """Whether a component is built in or of a distribution that the host's repository makes."""
        return self.find(kind, name).plugin in own_plugins()

    def module(self, plugin: str) -> ModuleType | None:
        """The module of a loaded plugin, by the name that `mmbench list` shows."""
        found: ModuleType | None = self._manager.get_plugin(plugin)
        return found

    def dataset(self, spec: Spec) -> Dataset:
        """A dataset built from its spec."""
        cls = self.find("datasets", spec.name).component
        dataset: Dataset = cls(**bind(cls, spec.params))
        return dataset

    def bound(self, kind: str, spec: Spec) -> dict[str, Any]:
        """All parameters that the component of ``spec`` would be built with."""
        return bind(self.find(kind, spec.name).component, spec.params)

    def _check_method(self, component: Any) -> str:
        if not isinstance(component, Method):
            raise PluginError(f"{component!r} is not an mmbench.Method")
        for text in (component.fusion, *component.encoders.values()):
            parse_spec(text)
        check_ablations(component, self._class_of)
        return _check_name(component)

    def _class_of(self, kind: str, name: str) -> type | None:
        known: Mapping[str, Entry] = getattr(self, kind)
        return known[name].component if name in known else None

    def _add(self, plugin: str, load: Callable[[], ModuleType]) -> None:
        before = {} if plugin in own_plugins() else host_names()
        try:
            module = load()
            if (name := find_replaced(before)) is not None:
                raise PluginError(f"replaces {name} when it is imported", where=plugin, remedy="leave the host alone")
            if known := self._manager.get_name(module):
                raise PluginError(f"was loaded already as {known}", where=plugin)
        except (Exception, SystemExit) as error:
            self._fail(plugin, error)
            return
        try:
            self._manager.register(module, name=plugin)
            self._manager.check_pending()
            if not self._manager.get_hookcallers(module):
                raise PluginError("declares no hook", where=plugin, remedy="mark a register_* function with @hookimpl")
        except Exception as error:
            self._manager.unregister(name=plugin)
            self._fail(plugin, error)

    def _fail(self, plugin: str, error: BaseException) -> None:
        text = " ".join(str(error).split()) or "no message"
        self.failures.append(
            Failure(plugin, text if isinstance(error, SpecError) else f"{type(error).__name__}: {text}")
        )

    def _collect(
        self, hook: str, check: Callable[[Any], str], fusions: Mapping[str, Entry] = MappingProxyType({})
    ) -> Mapping[str, Entry]:
        found: dict[str, Entry] = {}
        # pluggy calls the last registered first; the host's own components come first here, so that a
        # plugin that takes one of their names is the one that fails.
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            mine: dict[str, Entry] = {}
            plugin = implementation.plugin_name
            # A method may recommend encoders for its plugin's own fusion; nobody may redefine another's baseline.
            taken = {**{name: entry for name, entry in fusions.items() if entry.plugin != plugin}, **found}
            try:
                implementation.function(register=_collector(mine, taken, plugin, check))
            except Exception as error:
                self._fail(plugin, error)
            else:
                found.update(mine)
        return found


def _collector(
    mine: dict[str, Entry], others: Mapping[str, Entry], plugin: str, check: Callable[[Any], str]
) -> Callable[[Any], None]:
    def register(component: Any) -> None:
        name = check(component)
        if name in mine or name in others:
            owner = others[name].plugin if name in others else plugin
            raise PluginError(f"{name!r} is already registered by {owner}", remedy="choose another name")
        mine[name] = Entry(name, plugin, component)

    return register


def _check_class(component: Any, base: type[Component]) -> str:
    if not (isinstance(component, type) and issubclass(component, base)):
        raise PluginError(f"{component!r} is not a class derived from mmbench.{base.__name__}")
    name = _check_name(component)
    defaults = bind(component, {})
    for parameter, distribution in component.space.items():
        if parameter not in defaults:
            raise PluginError(f"the space of {name!r} names {parameter!r}, which is not a parameter")
        if not distribution.contains(defaults[parameter]):
            raise PluginError(f"the default {parameter}={defaults[parameter]!r} of {name!r} is outside its range")
    return name


def check_ablations(method: Method, class_of: Callable[[str, str], type | None]) -> None:
    """Raise PluginError unless every row sets parameters that there are to values that they may have.

    ``class_of`` gives the class of a kind (``fusions``, ``encoders``) and a name. One that is not there is let pass:
    the plugin that should have brought it is told as failed.
    """
    names = [MODALITIES, *(ablation.name for ablation in method.ablations)]
    for ablation in method.ablations:
        where = f"ablation {ablation.name!r} of {method.name!r}"
        if names.count(ablation.name) > 1:
            raise PluginError(f"{where}: the name is taken")
        if not ablation.rows or not all(ablation.rows):
            raise PluginError(f"{where}: a row sets nothing, or there is none")
        if ablation.encoder is not None and ablation.encoder not in method.encoders:
            raise PluginError(f"{where}: the method names no encoder of {ablation.encoder!r}")
        spec = parse_spec(method.fusion if ablation.encoder is None else method.encoders[ablation.encoder])
        cls = class_of("fusions" if ablation.encoder is None else "encoders", spec.name)
        for row in ablation.rows if cls else ():
            try:
                bind(cls, spec.updated(row).params)  # type: ignore[arg-type]  # there is none without it
            except SpecError as error:
                raise PluginError(f"{where}: {error.line}") from error


def _check_name(component: Any) -> str:
    name = getattr(component, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PluginError(f"{component!r} has no name of small letters, digits, - and _: {name!r}")
    return name


def load_file(file: str) -> ModuleType:
    """Import a plugin from a file; PluginError when it is not there."""
    path = Path(file).resolve()
    if not path.is_file():
        raise PluginError("no such file", where=file, remedy="give --plugin the path of a Python file")
    name = f"mmbench_file_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError("is not a Python file", where=file, remedy="give --plugin a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@lru_cache(maxsize=8)
def load_registry(plugin_files: tuple[str, ...] = ()) -> Registry:
    """The registry of the installed plugins and ``plugin_files``, made once a process."""
    return Registry(plugin_files)


@cache
def own_plugins() -> frozenset[str]:
    """The plugins that are tested with the host: what is built in, and the distributions of its repository."""
    listed = files("mmbench").joinpath("own_distributions.txt").read_text("utf-8")
    return frozenset({"builtin", *listed.split()})


def _distribution(point: Any) -> str:
    return str(point.dist.name if point.dist else point.value)
