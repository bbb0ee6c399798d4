"""Names and types of the options of a run, and the signature of the functions that take them."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from functools import wraps
from os import PathLike
from pathlib import Path
from typing import Any, TypedDict, TypeVar, cast

from mmbench.contract import Standardize, Training
from mmbench.errors import SpecError
from mmbench.execution import Keep
from mmbench.registry import did_you_mean, similar_names
from mmbench.results import DiagnosisLevel
from mmbench.tuning import Scope
from mmbench.workflows.request import RunSpec

Names = str | Sequence[str]
AnyPath = str | PathLike[str]
Function = TypeVar("Function", bound=Callable[..., Any])
_METHOD_FIRST = 'write the method first, such as mmbench.run("concat", DATASET)'
_OTHER_WORDS = {
    **dict.fromkeys(("methods", "model", "models"), _METHOD_FIRST),
    **dict.fromkeys(("baseline", "baselines"), 'write against=["late", "prior"]'),
}


class RunOptions(TypedDict, total=False):
    """The options of a run, as keyword arguments of `run` and its siblings; `run` explains each."""

    protocol: str | None
    folds: int | None
    stratify: bool | None
    task: str | None
    metric: str | None
    standardize: Standardize | None
    seeds: int | None
    units: Names | None
    modalities: Names | None
    encoders: Mapping[str, Any] | None
    training: Mapping[str, Any] | None
    trainer: str | type | None
    preset: str | None
    save_encoders: Mapping[str, AnyPath] | None
    data: AnyPath | None
    out: AnyPath
    cache: AnyPath | None
    device: str
    jobs: int | None
    cluster: str | None
    threads: int
    bad: str
    plugins: AnyPath | Sequence[AnyPath]
    weights: Keep
    tune: int | None
    tune_seconds: float | None
    tune_scope: Scope
    tune_storage: str | None
    diagnose: DiagnosisLevel


def with_run_options(function: Function) -> Function:
    """A function whose signature, as help() and notebooks show it, lists the options of a run one by one.

    It raises SpecError, with what to write, for an option that does not exist and for arguments that are missing.
    """
    signature = inspect.signature(function)
    own = [each for each in signature.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    names = {each.name for each in own}

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        check_option_names({name: value for name, value in kwargs.items() if name not in names})
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            call_name = f"mmbench.{function.__name__}"
            raise SpecError(str(error), where=call_name, remedy=f"write {call_name}(METHOD, DATASET)") from None
        return function(*args, **kwargs)

    defaults = {each.name: _plain_default(each.default) for each in fields(RunSpec)}
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=defaults[name], annotation=annotation)
        for name, annotation in RunOptions.__annotations__.items()
    ]
    call.__signature__ = signature.replace(parameters=[*own, *options])  # type: ignore[attr-defined]
    return cast("Function", call)


def _plain_default(default: Any) -> Any:
    """A default as the user would write it; None where it is made at each call."""
    if default is MISSING:
        return None
    return str(default) if isinstance(default, Path) else default


def check_option_names(options: Mapping[str, Any]) -> None:
    """Raise SpecError for an option that does not exist, with what to write."""
    training = {each.name for each in fields(Training)}
    for name, value in options.items():
        if name in RunOptions.__annotations__:
            continue
        where = f"option {name}"
        if name in training:
            remedy = f'write training={{"{name}": {_written(value)}}}'
            raise SpecError("is a setting of training", where=where, remedy=remedy)
        if name == "against":
            raise SpecError("is not an option here", where=where, remedy="compare with mmbench.run")
        near = similar_names(name, RunOptions.__annotations__)
        remedy = (
            f"write {near[0]}={_written(value)}" if len(near) == 1 else did_you_mean(name, RunOptions.__annotations__)
        )
        raise SpecError("is not an option", where=where, remedy=_OTHER_WORDS.get(name, remedy))


def _written(value: Any) -> str:
    """A short value as Python writes it."""
    text = repr(value)
    return text if len(text) <= 40 else "..."
