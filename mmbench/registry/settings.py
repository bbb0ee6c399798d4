"""Settings of a run: from the command line, else from the preset, else the defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, get_args

from mmbench.contract import Standardize
from mmbench.errors import SpecError
from mmbench.registry.specs import did_you_mean

_MINIMUM = {"folds": 2, "seeds": 1}


@dataclass(frozen=True)
class RunSettings:
    """The settings of a run that a preset may set under ``[run]``.

    ``units`` are the units of the dataset and ``modalities`` the modalities to use; None: all. ``protocol`` and
    ``task``: None for the default of the dataset; ``metric``: None for that of the task. ``stratify`` balances classes
    over the parts of folds. From 3 ``seeds`` on, the variance between trainings can be estimated
    (benchmarks/calibration.py).
    """

    protocol: str | None = None
    task: str | None = None
    metric: str | None = None
    folds: int = 5
    standardize: Standardize = "train"
    seeds: int = 3
    units: tuple[str, ...] | None = None
    modalities: tuple[str, ...] | None = None
    stratify: bool = False


SETTING_NAMES = tuple(field.name for field in fields(RunSettings))


def make_run_settings(options: Mapping[str, Any], preset: Mapping[str, Any], source: str) -> RunSettings:
    """The settings ``options`` of the command line, over the ``[run]`` table of ``preset``, over the defaults.

    ``source`` names the preset in errors. Raises SpecError for an unknown setting or an invalid value.
    """
    from pydantic import TypeAdapter, ValidationError

    for name, value in preset.items():
        _check(name, value, f"{source} [run] {name}")
    for name, value in options.items():
        _check(name, value, f"--{name}")
    try:
        return TypeAdapter(RunSettings).validate_python({**preset, **options})
    except ValidationError as error:
        problem = error.errors()[0]
        name = str(problem["loc"][0])
        where = f"--{name}" if name in options else f"{source} [run] {name}"
        value, remedy = problem["input"], "give another value, or leave it out"
        message = f"invalid value {value!r}: {problem['msg']}"
        if problem["type"] == "tuple_type" and isinstance(value, str):
            message, remedy = f"{value!r} is no list of names", f"write {value.split(',')!r}"
        raise SpecError(message, where=where, remedy=remedy) from error


def _check(name: str, value: object, where: str) -> None:
    if name not in SETTING_NAMES:
        raise SpecError("is not a setting of a run", where=where, remedy=did_you_mean(name, SETTING_NAMES))
    minimum = _MINIMUM.get(name)
    if minimum is not None and isinstance(value, int) and value < minimum:
        raise SpecError(f"{value} is too few", where=where, remedy=f"use {minimum} or more")
    if name == "standardize" and value not in get_args(Standardize):
        raise SpecError(f"invalid value {value!r}", where=where, remedy=did_you_mean(str(value), get_args(Standardize)))
    if name in ("units", "modalities") and not value:
        raise SpecError("is empty", where=where, remedy="name one or more, separated by commas, or leave it out")
