"""Finds plugins and keeps what they register; a broken plugin is set aside by name and the rest goes on."""

import hashlib
import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import pluggy

from mmbench.contract import Component, Dataset, Method, hookspecs
from mmbench.errors import PluginError, SpecError
from mmbench.registry.replaced_names import find_replaced_name, host_names
from mmbench.registry.source_digest import find_sources, record_opened_files
from mmbench.registry.source_digest.code import record_origin
from mmbench.registry.specs import Spec, bind_parameters, did_you_mean, parse_spec

MODALITY_ABLATION = "modalities"  # the ablation that the host makes
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_KINDS = ("datasets", "encoders", "fusions", "methods")


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

    def __init__(self, plugin_files: Sequence[str] = (), *, strict: bool = False) -> None:
        """Load the installed plugins, then ``plugin_files``; ``strict`` raises PluginError for a file that fails."""
        self.failures: list[Failure] = []
        self._strict = frozenset(plugin_files if strict else ())
        self._order: list[str] = []  # plugins in the order of loading: of two with one name, the later one fails
        self._clashes: dict[tuple[str, str], PluginError] = {}  # by kind and name
        self._manager = pluggy.PluginManager("mmbench")
        self._manager.add_hookspecs(hookspecs)
        self._add("builtin", lambda: importlib.import_module("mmbench.builtin.plugin"))
        for point in sorted(entry_points(group="mmbench"), key=lambda point: point.name):
            name = _distribution(point)
            self._add(f"{name}:{point.name}" if self._manager.has_plugin(name) else name, point.load)
        for file in dict.fromkeys(plugin_files):
            self._add(file, lambda file=file: load_plugin_file(file))  # type: ignore[misc]

    @cached_property
    def datasets(self) -> Mapping[str, Entry]:
        """Dataset classes by name."""
        return self._collect("register_datasets", lambda item: _check_class(item, Dataset))

    @cached_property
    def encoders(self) -> Mapping[str, Entry]:
        """Encoder classes by name."""
        from mmbench.contract import Encoder

        return self._collect("register_encoders", lambda item: _check_class(item, Encoder))

    @cached_property
    def fusions(self) -> Mapping[str, Entry]:
        """Fusion classes by name."""
        from mmbench.contract import Fusion

        return self._collect("register_fusions", lambda item: _check_class(item, Fusion))

    @cached_property
    def methods(self) -> Mapping[str, Entry]:
        """Registered recipes, and every fusion as a method of its own name."""
        own = {name: Entry(name, entry.plugin, Method(name=name, fusion=name)) for name, entry in self.fusions.items()}
        registered = self._collect("register_methods", self._check_method, own)
        return {**own, **registered}

    def find(self, kind: str, name: str) -> Entry:
        """The component ``name`` among ``kind`` (datasets, encoders, ...).

        Raises SpecError with a hint when it is unknown, PluginError when two plugins register it.
        """
        known: Mapping[str, Entry] = getattr(self, kind)
        if clash := self._clashes.get((kind, name)) or self._clashes.get(
            ("fusions" if kind == "methods" else "", name)
        ):
            raise clash
        if name in known:
            return known[name]
        broken = "".join(f"; plugin {failure.plugin} failed: {failure.error}" for failure in self.failures)
        raise SpecError(f"no {kind.removesuffix('s')} {name!r}{broken}", remedy=did_you_mean(name, known))

    def collect(self) -> None:
        """Collect every kind now, so that whatever is wrong with a plugin shows before anything runs."""
        for kind in _KINDS:
            getattr(self, kind)

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
        dataset: Dataset = cls(**bind_parameters(cls, spec.params))
        return dataset

    def bound(self, kind: str, spec: Spec) -> dict[str, Any]:
        """All parameters that the component of ``spec`` would be built with."""
        return bind_parameters(self.find(kind, spec.name).component, spec.params)

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
        self._order.append(plugin)
        before = {} if plugin in own_plugins() else host_names()
        try:
            with record_opened_files():
                module = load()
            if (name := find_replaced_name(before)) is not None:
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
        told = text if isinstance(error, SpecError) else f"{type(error).__name__}: {text}"
        self.failures.append(Failure(plugin, told))
        if plugin in self._strict:
            raise _of_file(plugin, error, told) from error

    def _collect(
        self, hook: str, check: Callable[[Any], str], fusions: Mapping[str, Entry] = MappingProxyType({})
    ) -> Mapping[str, Entry]:
        kind = hook.removeprefix("register_")
        found: dict[str, Entry] = {}
        # pluggy calls the last registered first, and plugins may ask for another place; here they come in the order
        # of loading, so that one that takes the name of a component of the host is the one that fails.
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        for implementation in sorted(implementations, key=lambda each: self._order.index(each.plugin_name)):
            mine: dict[str, Entry] = {}
            plugin = implementation.plugin_name
            # A method may recommend encoders for its plugin's own fusion; nobody may redefine another's baseline.
            earlier = {name: entry for name, entry in fusions.items() if self._is_later(plugin, entry.plugin)}
            try:
                with record_opened_files():
                    implementation.function(register=self._collector(kind, mine, {**earlier, **found}, plugin, check))
            except Exception as error:
                self._fail(plugin, error)
                continue
            found.update(mine)
            for name in mine:
                if name in fusions and self._is_later(fusions[name].plugin, plugin):
                    self._fail(fusions[name].plugin, self._clash(kind, name, plugin, fusions[name].plugin))
        return found

    def _is_later(self, plugin: str, other: str) -> bool:
        return self._order.index(plugin) > self._order.index(other)

    def _collector(
        self,
        kind: str,
        mine: dict[str, Entry],
        others: Mapping[str, Entry],
        plugin: str,
        check: Callable[[Any], str],
    ) -> Callable[[Any], None]:
        def register(component: Any) -> None:
            name = check(component)
            if name in mine:
                raise PluginError(f"{name!r} is already registered by {plugin}", remedy="choose another name")
            if name not in others:
                mine[name] = Entry(name, plugin, component)
                record_origin(component, self.module(plugin))
            elif not _is_same(component, others[name].component):
                raise self._clash(kind, name, others[name].plugin, plugin)

        return register

    def _clash(self, kind: str, name: str, first: str, second: str) -> PluginError:
        """What is wrong with the second of two plugins that register one name; whoever asks for the name is told."""
        error = PluginError(
            f"{kind.removesuffix('s')} {name!r} is already registered by {self._place(first)}",
            where=self._place(second),
            remedy="choose another name, or leave one of the two plugins out",
        )
        self._clashes[kind, name] = error
        return error

    def _place(self, plugin: str) -> str:
        """A plugin and the file it is from."""
        file = getattr(self.module(plugin), "__file__", None)
        return plugin if file is None or Path(plugin).suffix == ".py" else f"{plugin} ({file})"


def _is_same(component: Any, other: Any) -> bool:
    """Whether two plugins register the very same, as a file of an installed plugin does."""
    return component is other or (isinstance(component, Method) and isinstance(other, Method) and component == other)


def _of_file(file: str, error: BaseException, told: str) -> PluginError:
    """What is raised about a plugin file that cannot be used."""
    if isinstance(error, PluginError) and error.where:
        return error
    if isinstance(error, PluginError):
        return PluginError(error.message, where=file, remedy=error.remedy)
    return PluginError(f"cannot be loaded: {told}", where=file, remedy="correct the file, or leave --plugin out")


def _check_class(component: Any, base: type[Component]) -> str:
    if not (isinstance(component, type) and issubclass(component, base)):
        raise PluginError(f"{component!r} is not a class derived from mmbench.{base.__name__}")
    name = _check_name(component)
    defaults = bind_parameters(component, {})
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
    names = [MODALITY_ABLATION, *(ablation.name for ablation in method.ablations)]
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
                bind_parameters(cls, spec.updated(row).params)  # type: ignore[arg-type]  # there is none without it
            except SpecError as error:
                raise PluginError(f"{where}: {error.line}") from error


def _check_name(component: Any) -> str:
    name = getattr(component, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PluginError(f"{component!r} has no name of small letters, digits, - and _: {name!r}")
    return name


def load_plugin_file(file: str) -> ModuleType:
    """Import a plugin from a file; PluginError when it is not there."""
    path = Path(file).resolve()
    if not path.is_file():
        raise PluginError("no such file", where=file, remedy="give --plugin the path of a Python file")
    if not os.fsencode(path.name).isascii() and path.name.encode(errors="replace") != os.fsencode(path.name):
        raise PluginError("its name is not UTF-8, and records could not tell it", where=file, remedy="rename it")
    name = f"mmbench_file_{path.stem}_{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError("is not a Python file", where=file, remedy="give --plugin a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    for copy in find_sources(path, path.stem, is_packaged=False).outdated.values():
        with suppress(OSError):  # it is told when the code is asked for
            copy.unlink()
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@lru_cache(maxsize=8)
def load_registry(plugin_files: tuple[str, ...] = ()) -> Registry:
    """The registry of the installed plugins and ``plugin_files``, made once a process.

    An installed plugin that is broken is only named in `Registry.failures`. Whatever is wrong with one of the files
    raises PluginError: when it is loaded, or when the kind of component that is wrong is first asked for.
    """
    by_path = {Path(file).resolve(): file for file in reversed(plugin_files)}
    return Registry([file for file in plugin_files if file in by_path.values()], strict=True)


@cache
def own_plugins() -> frozenset[str]:
    """The plugins that are tested with the host: what is built in, and the distributions of its repository."""
    listed = files("mmbench").joinpath("own_distributions.txt").read_text("utf-8")
    return frozenset({"builtin", *listed.split()})


def _distribution(point: Any) -> str:
    return str(point.dist.name if point.dist else point.value)
