"""Checks of all components of a plugin, found through its hooks."""

import importlib
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mmbench.conformance.claims import check_claims
from mmbench.conformance.datasets import check_dataset
from mmbench.conformance.encoders import check_encoder
from mmbench.conformance.estimators import check_estimator
from mmbench.conformance.fusions import check_fusion
from mmbench.conformance.metrics import check_metric
from mmbench.conformance.outcome import Check, checks_of, demand
from mmbench.conformance.trainers import check_trainer
from mmbench.contract import Dataset, Encoder, Estimator, Fusion, Method, Metric, Trainer
from mmbench.errors import PluginError
from mmbench.registry import check_ablations, check_name, is_same_component, load_plugin_file, load_registry

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True)
class Components:
    """The components that a plugin registers."""

    datasets: list[type[Dataset]]
    encoders: list[type[Encoder]]
    fusions: list[type[Fusion]]
    estimators: list[type[Estimator]]
    trainers: list[type[Trainer]]
    methods: list[Method]
    metrics: list[type[Metric]]


def check_plugin(
    plugin: ModuleType | str,
    *,
    roots: Mapping[str, Path] | None = None,
    cache: Path | None = None,
    beside: tuple[str, ...] = (),
) -> Iterator[Check]:
    """All checks of all components of a plugin: a module, its import name, or the path of a Python file.

    ``roots`` maps datasets to their folders; the others locate their files, and may create some under ``cache``.
    ``beside`` are plugin files that a run loads with it, besides the installed plugins.
    """
    module = load_plugin(plugin)
    components = find_components(module)
    own = module.__file__ and Path(module.__file__).resolve()
    beside = tuple(file for file in beside if Path(file).resolve() != own)
    for kind in fields(components):
        for item in getattr(components, kind.name):
            subject = f"{kind.name.removesuffix('s')} {item.name}"
            yield from checks_of(subject, (kind.name, item, components, beside), check_free_name)
    for dataset in components.datasets:
        yield from check_dataset(dataset, (roots or {}).get(dataset.name), cache=cache)
    for encoder in components.encoders:
        yield from check_encoder(encoder)
    for fusion in components.fusions:
        yield from check_fusion(fusion)
    for estimator in components.estimators:
        yield from check_estimator(estimator)
    for trainer in components.trainers:
        yield from check_trainer(trainer)
    for method in components.methods:
        yield from checks_of(f"method {method.name}", method, check_recipe)
        yield from checks_of(f"method {method.name}", (method, components), check_ablation_tables)
        yield from check_claims(method, module)
    for metric in components.metrics:
        yield from check_metric(metric)


def parametrize(
    plugin: ModuleType | str, *, roots: Mapping[str, Path] | None = None, cache: Path | None = None
) -> "pytest.MarkDecorator":
    """A pytest decorator: the test gets one argument, ``check``, for each check of ``check_plugin``, and calls it."""
    import pytest

    return pytest.mark.parametrize("check", list(check_plugin(plugin, roots=roots, cache=cache)), ids=str)


def load_plugin(plugin: ModuleType | str) -> ModuleType:
    """The module of that import name or in that file; PluginError when it cannot be imported."""
    if isinstance(plugin, ModuleType):
        return plugin
    try:
        return load_plugin_file(plugin) if plugin.endswith(".py") else importlib.import_module(plugin)
    except PluginError:
        raise
    except Exception as error:
        raise PluginError(
            f"cannot be imported ({type(error).__name__}: {error})",
            where=plugin,
            remedy="import it in Python to see the traceback",
        ) from error


def find_components(module: ModuleType) -> Components:
    """Call the hooks of a plugin and collect what they register."""
    return Components(
        _collect(module, "register_datasets", Dataset),
        _collect(module, "register_encoders", Encoder),
        _collect(module, "register_fusions", Fusion),
        _collect(module, "register_estimators", Estimator),
        _collect(module, "register_trainers", Trainer),
        _collect(module, "register_methods", Method),
        _collect(module, "register_metrics", Metric),
    )


def _collect(module: ModuleType, hook: str, base: type) -> list[Any]:
    found: list[object] = []
    if hasattr(module, hook):
        getattr(module, hook)(register=found.append)
    for item in found:
        fits = isinstance(item, Method) if base is Method else inspect.isclass(item) and issubclass(item, base)
        if not fits:
            raise PluginError(f"{hook} registers {item!r}, not a {base.__name__}", where=module.__name__)
        try:
            check_name(item)
        except PluginError as error:
            raise PluginError(error.message, where=module.__file__, remedy=error.remedy) from None
    return found


def check_free_name(case: tuple[str, Any, Components, tuple[str, ...]]) -> None:
    """No other component of the kind has the name, in this plugin, an installed one, or those beside it."""
    kind, item, components, beside = case
    n_own = sum(other.name == item.name for other in getattr(components, kind))
    demand(n_own == 1, f"{n_own} {kind} of the plugin are called {item.name!r}, of which a run loads none")
    entry = getattr(load_registry(beside), kind).get(item.name)
    if entry and not is_same_component(item, entry.component):
        raise PluginError(
            f"{item.name!r} is already registered by {entry.plugin}, and a run with both fails",
            remedy="choose another name",
        )


def check_recipe(method: Method) -> None:
    """A method names its parts, and its folders of presets and claims exist."""
    demand(bool(method.name and (method.fusion or method.estimator)), "name, or fusion and estimator, are empty")
    demand(all(method.encoders.values()), "an encoder is empty")
    for name, folder in (("presets", method.presets), ("claims", method.claims)):
        demand(folder is None or folder.is_dir(), f"the folder of {name} {folder} does not exist")


def check_ablation_tables(case: tuple[Method, Components]) -> None:
    """The ablations of a method set existing parameters to valid values."""
    method, components = case
    registered: dict[str, list[Any]] = {
        "fusions": components.fusions,
        "estimators": components.estimators,
        "encoders": components.encoders,
    }

    def class_of(kind: str, name: str) -> type | None:
        own = next((cls for cls in registered[kind] if cls.name == name), None)
        entry = getattr(load_registry(), kind).get(name)
        return own or (entry.component if entry else None)

    check_ablations(method, class_of)
