"""How a comparison is conducted: what the shell line says, else the preset, else the defaults that stand here."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, get_args

from mmbench.contract import Standardize
from mmbench.errors import SpecError
from mmbench.registry.specs import did_you_mean

_LEAST = {"folds": 2, "seeds": 1}


@dataclass(frozen=True)
class RunSettings:
    """The settings of a run that a preset may give under ``[run]``.

    ``units`` are the dataset's units to use and ``modalities`` those that methods see; None: all. ``protocol`` and
    ``task``: None for the dataset's own default. With 3 ``seeds`` it can be told how much trainings vary
    (benchmarks/calibration.py).
    """

    protocol: str | None = None
    task: str | None = None
    folds: int = 5
    standardize: Standardize = "train"
    seeds: int = 3
    units: tuple[str, ...] | None = None
    modalities: tuple[str, ...] | None = None


SETTING_NAMES = tuple(field.name for field in fields(RunSettings))


def make_run_settings(given: Mapping[str, Any], preset: Mapping[str, Any], source: str) -> RunSettings:
    """What was ``given`` on the shell line over the ``[run]`` table of a preset, ``source``, over the defaults.

    Raises SpecError for a setting that there is not, or a value that will not do.
    """
    from pydantic import TypeAdapter, ValidationError

    for name, value in preset.items():
        _check(name, value, f"{source} [run] {name}")
    for name, value in given.items():
        _check(name, value, f"--{name}")
    try:
        return TypeAdapter(RunSettings).validate_python({**preset, **given})
    except ValidationError as error:
        problem = error.errors()[0]
        name = str(problem["loc"][0])
        where = f"--{name}" if name in given else f"{source} [run] {name}"
        message = f"{problem['input']!r} will not do: {problem['msg']}"
        raise SpecError(message, where=where, remedy="give another value, or leave it out") from error


def _check(name: str, value: object, where: str) -> None:
    if name not in SETTING_NAMES:
        raise SpecError("is no setting of a run", where=where, remedy=did_you_mean(name, SETTING_NAMES))
    least = _LEAST.get(name)
    if least is not None and isinstance(value, int) and value < least:
        raise SpecError(f"{value} is too few", where=where, remedy=f"ask for {least} or more")
    if name == "standardize" and value not in get_args(Standardize):
        raise SpecError(f"no choice {value!r}", where=where, remedy=did_you_mean(str(value), get_args(Standardize)))
    if name in ("units", "modalities") and not value:
        raise SpecError("names none", where=where, remedy="name one or more, separated by commas, or leave it out")
