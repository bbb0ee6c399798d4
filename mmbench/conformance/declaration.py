"""Checks of what every component declares: name, parameters, search space."""

import inspect
import re
from collections.abc import Mapping

from mmbench.conformance.outcome import demand
from mmbench.contract import Component


def parameters_of(cls: type[Component]) -> Mapping[str, inspect.Parameter]:
    """The keyword-only arguments of ``__init__``, which the command line can set."""
    parameters = inspect.signature(cls).parameters
    return {name: parameter for name, parameter in parameters.items() if parameter.kind is parameter.KEYWORD_ONLY}


def params_for(cls: type[Component], params: Mapping[str, object]) -> dict[str, object]:
    """The parameters to check with: those of the class attribute ``conformance``, overridden by ``params``."""
    return {**getattr(cls, "conformance", {}), **params}


def subject_of(kind: str, cls: type[Component], params: Mapping[str, object]) -> str:
    """The subject of a check, such as ``encoder timm[model=test_vit]``."""
    given = ",".join(f"{name}={value}" for name, value in params.items())
    return f"{kind} {getattr(cls, 'name', cls.__name__)}" + (f"[{given}]" if given else "")


def check_name(cls: type[Component]) -> None:
    """The name can be typed in a spec such as ``name[param=value]``."""
    name = getattr(cls, "name", None)
    demand(isinstance(name, str), f"{cls.__name__}.name is missing")
    demand(
        re.fullmatch(r"[a-z][a-z0-9_-]*", str(name)) is not None, f"{name!r} is not lower case letters, digits, - and _"
    )
    demand(isinstance(cls.version, str) and cls.version != "", "version is not a str")


def check_parameters(cls: type[Component]) -> None:
    """Every parameter has an annotation and a default, and misspelt ones are not accepted."""
    for name, parameter in inspect.signature(cls).parameters.items():
        demand(parameter.kind is not parameter.VAR_KEYWORD, f"**{name} accepts misspelt parameters")
    for name, parameter in parameters_of(cls).items():
        demand(parameter.default is not parameter.empty, f"parameter {name} has no default")
        demand(parameter.annotation is not parameter.empty, f"parameter {name} has no annotation")


def check_space(cls: type[Component]) -> None:
    """The search space names real parameters and holds their defaults."""
    parameters = parameters_of(cls)
    for name, distribution in cls.space.items():
        demand(name in parameters, f"space names {name}, which is not a parameter")
        default = parameters[name].default
        demand(distribution.contains(default), f"the default {name}={default!r} is outside of {distribution}")
