"""Checks of components when a plugin registers them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, get_args

from mmbench.contract import DEFAULT_METRICS, Ablation, Component, Kind, Method, Metric
from mmbench.errors import PluginError, SpecError
from mmbench.registry.specs import Spec, bind_parameters, parse_spec

MODALITY_ABLATION = "modalities"  # the ablation of modalities, which the host defines
# By the base class, the attribute that names kinds, and those that there are. By name, not to import torch.
_KINDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "Encoder": ("kinds", get_args(Kind)),
    "Metric": ("kinds", tuple(DEFAULT_METRICS)),
    "Fusion": ("tasks", tuple(DEFAULT_METRICS)),
    "Estimator": ("tasks", tuple(DEFAULT_METRICS)),
}
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def check_class(component: Any, base: type[Component]) -> str:
    """The name of a component class; PluginError if the class, its name or its search space is invalid."""
    if not (isinstance(component, type) and issubclass(component, base)):
        raise PluginError(f"{component!r} is not a class derived from mmbench.{base.__name__}")
    name = check_name(component)
    defaults = bind_parameters(component, {})
    for parameter, distribution in component.space.items():
        if parameter not in defaults:
            raise PluginError(f"the space of {name!r} names {parameter!r}, which is not a parameter")
        if not distribution.contains(defaults[parameter]):
            raise PluginError(f"the default {parameter}={defaults[parameter]!r} of {name!r} is outside its range")
    if base.__name__ in _KINDS:
        _check_kinds(component, *_KINDS[base.__name__])
    return name


def check_predictor(component: Any, base: type[Component]) -> str:
    """The name of a fusion or estimator class; PluginError as `check_class`, or for a parameter ``trainer``."""
    name = check_class(component, base)
    if "trainer" in bind_parameters(component, {}):
        problem = f"{name!r} has a parameter 'trainer', which names the trainer of a method"
        raise PluginError(problem, remedy="choose another name for it")
    return name


def _check_kinds(component: Any, attribute: str, known: Sequence[str]) -> None:
    """Raise PluginError unless an attribute is a tuple of known kinds of modalities or of tasks."""
    kinds = getattr(component, attribute, ())
    where = f"{attribute} of {component.name!r}"
    if isinstance(kinds, str):
        raise PluginError(f"{where} is {kinds!r}, not a tuple", remedy=f"write ({kinds!r},) with a comma")
    if unknown := [kind for kind in kinds if kind not in known]:
        raise PluginError(f"{where} names the unknown kind {unknown[0]!r}", remedy=f"choose from {', '.join(known)}")
    if not kinds:
        raise PluginError(f"{where} is empty", remedy=f"choose from {', '.join(known)}")


def check_metric(component: Any) -> str:
    """The name of a metric class; PluginError if it lacks what scoring needs."""
    name = check_class(component, Metric)
    title = getattr(component, "title", "")
    if not isinstance(title, str) or not title:
        raise PluginError(f"metric {name!r} has no title")
    low, high = component.bounds
    if not low < high:
        raise PluginError(f"metric {name!r} has the bounds {component.bounds}, not the least and the largest value")
    needed = ("tally", "from_sums") if component.additive else ("score",)
    if missing := [method for method in needed if getattr(component, method) is getattr(Metric, method)]:
        kind = "additive" if component.additive else "not additive"
        raise PluginError(f"metric {name!r} is {kind} and does not implement {missing[0]}")
    return name


def check_ablations(method: Method, class_of: Callable[[str, str], type | None]) -> None:
    """Raise PluginError unless every row sets existing parameters to valid values.

    ``class_of`` returns the class of a kind (``fusions``, ``estimators``, ``encoders``) and a name, or None, which is
    not checked: the plugin that should register the class is reported as failed.
    """
    names = [MODALITY_ABLATION, *(ablation.name for ablation in method.ablations)]
    for ablation in method.ablations:
        where = f"ablation {ablation.name!r} of {method.name!r}"
        if names.count(ablation.name) > 1:
            raise PluginError(f"{where}: another ablation has this name")
        if not ablation.rows or not all(ablation.rows):
            raise PluginError(f"{where}: has no row, or a row without settings")
        if len({isinstance(row, str) for row in ablation.rows}) > 1:
            raise PluginError(f"{where}: some rows are encoders, others are settings")
        if ablation.encoder is not None and ablation.encoder not in method.encoders:
            raise PluginError(f"{where}: the method has no encoder for {ablation.encoder!r}")
        for kind, spec in _built_by(method, ablation, where):
            if cls := class_of(kind, spec.name):
                try:
                    bind_parameters(cls, spec.params)
                except SpecError as error:
                    raise PluginError(f"{where}: {error.line}") from error


def _built_by(method: Method, ablation: Ablation, where: str) -> Iterator[tuple[str, Spec]]:
    """The kind and the spec of the component that each row changes, as changed."""
    predictor = ("estimators", method.estimator) if method.estimator else ("fusions", method.fusion)
    kind, text = predictor if ablation.encoder is None else ("encoders", method.encoders[ablation.encoder])
    for row in ablation.rows:
        if isinstance(row, str) and ablation.encoder is None:
            raise PluginError(f"{where}: the row {row!r} is an encoder, and the ablation names no modality or kind")
        yield kind, parse_spec(row) if isinstance(row, str) else parse_spec(text).updated(row)


def check_name(component: Any) -> str:
    """The name of a component; PluginError if it is invalid."""
    name = getattr(component, "name", None)
    shown = getattr(component, "__name__", repr(component))
    if name is None:
        raise PluginError(f"{shown} has no name", remedy=f'write name = "{shown.lower()}" in the class')
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PluginError(f"{shown} needs a name of lower-case letters, digits, - and _, not {name!r}")
    return name
