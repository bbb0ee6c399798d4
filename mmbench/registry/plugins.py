"""Registry of plugins and their components; a broken plugin is recorded as a failure and does not stop others."""

import importlib
import importlib.util
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import pluggy

from mmbench.contract import Dataset, Estimator, Method, hookspecs
from mmbench.errors import PluginError, SpecError
from mmbench.registry.component_checks import check_ablations, check_class, check_metric, check_name, check_predictor
from mmbench.registry.own_distributions import describe_missing_distributions, own_plugins
from mmbench.registry.plugin_files import load_plugin_file
from mmbench.registry.replaced_names import find_replaced_name, host_names
from mmbench.registry.source_digest import record_opened_files
from mmbench.registry.source_digest.component_code import record_origin
from mmbench.registry.specs import SUGGESTION, Spec, bind_parameters, did_you_mean, parse_spec

_KINDS = ("datasets", "encoders", "fusions", "estimators", "trainers", "methods", "metrics")


@dataclass(frozen=True)
class Entry:
    """A registered component and the plugin it is from."""

    name: str
    plugin: str
    component: Any


@dataclass(frozen=True)
class Failure:
    """A plugin that could not be used, in whole or in part, and why."""

    plugin: str
    error: str


class Registry:
    """The components that plugins register. Each kind is collected on first access."""

    def __init__(self, plugin_files: Sequence[str] = (), *, strict: bool = False) -> None:
        """Load the installed plugins, then ``plugin_files``; ``strict`` raises PluginError for a file that fails."""
        self.failures: list[Failure] = []
        self._strict = frozenset(plugin_files if strict else ())
        self._order: list[str] = []  # plugins in loading order: of two components with one name, the later one fails
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
        return self._collect("register_datasets", lambda item: check_class(item, Dataset))

    @cached_property
    def encoders(self) -> Mapping[str, Entry]:
        """Encoder classes by name."""
        from mmbench.contract import Encoder

        return self._collect("register_encoders", lambda item: check_class(item, Encoder))

    @cached_property
    def fusions(self) -> Mapping[str, Entry]:
        """Fusion classes by name."""
        from mmbench.contract import Fusion

        return self._collect("register_fusions", lambda item: check_predictor(item, Fusion))

    @cached_property
    def estimators(self) -> Mapping[str, Entry]:
        """Estimator classes by name."""
        return self._collect("register_estimators", lambda item: check_predictor(item, Estimator))

    @cached_property
    def trainers(self) -> Mapping[str, Entry]:
        """Trainer classes by name."""
        from mmbench.contract import Trainer

        return self._collect("register_trainers", lambda item: check_class(item, Trainer))

    @cached_property
    def methods(self) -> Mapping[str, Entry]:
        """Registered methods, and every fusion and every estimator as a method of its own name."""
        own = {name: Entry(name, entry.plugin, Method(name=name, fusion=name)) for name, entry in self.fusions.items()}
        for name, entry in self.estimators.items():
            if name in own:
                self._fail(entry.plugin, self._clash("methods", name, own[name].plugin, entry.plugin))
            own.setdefault(name, Entry(name, entry.plugin, Method(name=name, estimator=name)))
        registered = self._collect("register_methods", self._check_method, own)
        return {**own, **registered}

    @cached_property
    def metrics(self) -> Mapping[str, Entry]:
        """Metric classes by name."""
        return self._collect("register_metrics", check_metric)

    def find(self, kind: str, name: str) -> Entry:
        """The component ``name`` of a kind (``datasets``, ``encoders``, ...).

        Raises SpecError with a hint if it is unknown, PluginError if two plugins register it.
        """
        known: Mapping[str, Entry] = getattr(self, kind)
        if clash := self._clashes.get((kind, name)) or self._clashes.get(
            ("fusions" if kind == "methods" else "", name)
        ):
            raise clash
        if name in known:
            return known[name]
        broken = "".join(f"; plugin {failure.plugin} failed: {failure.error}" for failure in self.failures)
        remedy = did_you_mean(name, known)
        if not remedy.startswith(SUGGESTION) and (missing := describe_missing_distributions()):
            own = "the path of a folder or a table of your own needs none of them; " if kind == "datasets" else ""
            remedy = f"{missing}; {own}{remedy}"
        raise SpecError(f"no {kind.removesuffix('s')} {name!r}{broken}", remedy=remedy)

    def collect(self) -> None:
        """Collect every kind now, so that errors of plugins are found before anything runs."""
        for kind in _KINDS:
            getattr(self, kind)

    def classes_of(self, plugins: Collection[str]) -> list[type]:
        """The classes of all components of some plugins."""
        entries = (entry for kind in _KINDS for entry in getattr(self, kind).values())
        return [each.component for each in entries if each.plugin in plugins and isinstance(each.component, type)]

    def is_own(self, kind: str, name: str) -> bool:
        """Whether a component is built in or belongs to a distribution of the host's repository."""
        return self.find(kind, name).plugin in own_plugins()

    def module(self, plugin: str) -> ModuleType | None:
        """The module of a loaded plugin, by the name in `mmbench list`; None if it is not loaded."""
        found: ModuleType | None = self._manager.get_plugin(plugin)
        return found

    def dataset(self, spec: Spec) -> Dataset:
        """A dataset built from its spec."""
        cls = self.find("datasets", spec.name).component
        dataset: Dataset = cls(**bind_parameters(cls, spec.params))
        return dataset

    def bound(self, kind: str, spec: Spec) -> dict[str, Any]:
        """All parameters of the component of ``spec``, with its defaults."""
        return bind_parameters(self.find(kind, spec.name).component, spec.params)

    def _check_method(self, component: Any) -> str:
        if not isinstance(component, Method):
            raise PluginError(f"{component!r} is not an mmbench.Method")
        if bool(component.fusion) == bool(component.estimator):
            raise PluginError(f"method {component.name!r} names both or neither of a fusion and an estimator")
        for text in (component.fusion or component.estimator, *component.encoders.values()):
            parse_spec(text)
        if component.trainer is not None:
            if component.estimator:
                raise PluginError(f"method {component.name!r} names a trainer, which an estimator does not have")
            parse_spec(component.trainer)
        check_ablations(component, self._class_of)
        return check_name(component)

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
                raise PluginError(
                    f"replaces {name} when it is imported", where=plugin, remedy="do not modify modules of mmbench"
                )
            if known := self._manager.get_name(module):
                raise PluginError(f"is already loaded as {known}", where=plugin)
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
        reason = text if isinstance(error, SpecError) else f"{type(error).__name__}: {text}"
        self.failures.append(Failure(plugin, reason))
        if plugin in self._strict:
            raise _make_file_error(plugin, error, reason) from error

    def _collect(
        self, hook: str, check: Callable[[Any], str], fusions: Mapping[str, Entry] = MappingProxyType({})
    ) -> Mapping[str, Entry]:
        kind = hook.removeprefix("register_")
        found: dict[str, Entry] = {}
        # pluggy calls the last registered first, or in an order that plugins choose. Here plugins come in the order of
        # loading, so that a plugin that reuses the name of a component of the host is the one that fails.
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        for implementation in sorted(implementations, key=lambda each: self._order.index(each.plugin_name)):
            own: dict[str, Entry] = {}
            plugin = implementation.plugin_name
            # A method may replace that of its own plugin's fusion, to recommend encoders, not that of another.
            earlier = {name: entry for name, entry in fusions.items() if self._is_later(plugin, entry.plugin)}
            try:
                with record_opened_files():
                    implementation.function(register=self._collector(kind, own, {**earlier, **found}, plugin, check))
            except Exception as error:
                self._fail(plugin, error)
                continue
            found.update(own)
            for name in own:
                if name in fusions and self._is_later(fusions[name].plugin, plugin):
                    self._fail(fusions[name].plugin, self._clash(kind, name, plugin, fusions[name].plugin))
        return found

    def _is_later(self, plugin: str, other: str) -> bool:
        return self._order.index(plugin) > self._order.index(other)

    def _collector(
        self,
        kind: str,
        own: dict[str, Entry],
        others: Mapping[str, Entry],
        plugin: str,
        check: Callable[[Any], str],
    ) -> Callable[[Any], None]:
        def register(component: Any) -> None:
            name = check(component)
            if name in own:
                raise PluginError(f"{name!r} is already registered by {plugin}", remedy="choose another name")
            if name not in others:
                own[name] = Entry(name, plugin, component)
                record_origin(component, self.module(plugin))
            elif not is_same_component(component, others[name].component):
                raise self._clash(kind, name, others[name].plugin, plugin)

        return register

    def _clash(self, kind: str, name: str, first: str, second: str) -> PluginError:
        """The error of the second of two plugins that register the same name; also raised when the name is used."""
        error = PluginError(
            f"{kind.removesuffix('s')} {name!r} is already registered by {self._describe(first)}",
            where=self._describe(second),
            remedy="choose another name, or use only one of the two plugins",
        )
        self._clashes[kind, name] = error
        return error

    def _describe(self, plugin: str) -> str:
        """A plugin with its file."""
        file = getattr(self.module(plugin), "__file__", None)
        return plugin if file is None or Path(plugin).suffix == ".py" else f"{plugin} ({file})"


def is_same_component(component: Any, other: Any) -> bool:
    """Whether two plugins register the same component, as an installed plugin and its file given by path do."""
    return component is other or (isinstance(component, Method) and isinstance(other, Method) and component == other)


def _make_file_error(file: str, error: BaseException, reason: str) -> PluginError:
    """The error to raise for a plugin file that cannot be used."""
    if isinstance(error, PluginError) and error.where:
        return error
    if isinstance(error, PluginError):
        return PluginError(error.message, where=file, remedy=error.remedy)
    return PluginError(f"cannot be loaded: {reason}", where=file, remedy="correct the file, or leave --plugin out")


@lru_cache(maxsize=8)
def load_registry(plugin_files: tuple[str, ...] = ()) -> Registry:
    """The registry of the installed plugins and ``plugin_files``, created once per process.

    A broken installed plugin is listed in `Registry.failures`. A broken file raises PluginError: when it is loaded, or
    when the kind of its broken component is first accessed.
    """
    by_path = {Path(file).resolve(): file for file in reversed(plugin_files)}
    registry = Registry([file for file in plugin_files if file in by_path.values()], strict=True)
    _loaded[plugin_files] = registry
    return registry


_loaded: dict[tuple[str, ...], Registry] = {}


def loaded_registries() -> list[Registry]:
    """The registries that `load_registry` created in this process, the newest first."""
    return list(reversed(_loaded.values()))


def _distribution(point: Any) -> str:
    return str(point.dist.name if point.dist else point.value)
