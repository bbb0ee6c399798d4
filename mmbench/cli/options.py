"""The options of everything that trains: declared once, for each command that takes a ``RunSpec``."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mmbench.cli.console import note
from mmbench.registry import parse_pairs, split_list

if TYPE_CHECKING:
    from mmbench.workflows import RunSpec

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Plugins = Annotated[list[str] | None, typer.Option("--plugin", help="A plugin file to load too; may be repeated.")]
Details = Annotated[
    bool, typer.Option("--details", help="Also other scores, calibration, cost and what modalities are worth to each.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]
Cluster = Annotated[
    str | None,
    typer.Option(help="tcp://HOST:PORT of a running Dask scheduler whose workers train. Never changes results."),
]
Against = Annotated[str, typer.Option(help="Baselines, separated by commas.")]
Tune = Annotated[
    int | None,
    typer.Option("--tune", help="Trials a method and fold, inside of its training part; the first: defaults."),
]
TuneSeconds = Annotated[
    float | None, typer.Option(help="With --tune: no new trial after so many seconds, a method and fold.")
]
TuneScope = Annotated[
    str, typer.Option(help="With --tune: fold (every fold, the default) or once (on the first only).")
]
TuneStorage = Annotated[
    str | None,
    typer.Option(help="With --tune: sqlite:///FILE or postgresql://USER@HOST/DATABASE; default: beside the records."),
]


def run_options(
    method: Annotated[str, typer.Argument(help="Method or fusion, as name or name[param=value,...].")],
    dataset: Annotated[str, typer.Argument(help="Dataset, as name or name[param=value,...].")],
    protocol: Annotated[str | None, typer.Option(help="segment, trial, subject, loso, pooled-...")] = None,
    folds: Annotated[int | None, typer.Option(help="Number of folds; default: 5.")] = None,
    task: Annotated[str | None, typer.Option(help="What to predict; default: the dataset's first task.")] = None,
    standardize: Annotated[
        str | None,
        typer.Option(help="train (by training data only, the default) or subject (each by their own unlabelled data)."),
    ] = None,
    units: Annotated[str | None, typer.Option(help="Only these subjects or other units, separated by commas.")] = None,
    modalities: Annotated[str | None, typer.Option(help="What methods see, separated by commas; default: all.")] = None,
    encoder: Annotated[
        list[str] | None, typer.Option(help="MODALITY=ENCODER for a modality or a kind; may be repeated.")
    ] = None,
    training: Annotated[
        list[str] | None, typer.Option(help="SETTING=VALUE of the training loop, such as lr=0.001; may be repeated.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="A preset of the method, or a TOML file; what is said here wins over it.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(help="Number of training seeds; default: 3. One cannot tell how much trainings vary.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the dataset's files.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for records.")] = Path("runs"),
    cache: Annotated[Path | None, typer.Option(help="Folder for prepared data and tokens.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 ...")] = "auto",
    jobs: Annotated[int | None, typer.Option(help="Processes; default: one a core. Never changes results.")] = None,
    cluster: Cluster = None,
    threads: Annotated[int, typer.Option(help="Threads a process; part of what a result depends on.")] = 1,
    bad: Annotated[str, typer.Option(help="What to do with unusable samples: error or drop.")] = "error",
    weights: Annotated[
        str, typer.Option(help="Trained weights beside the records: auto (up to 256 MB a fold), keep or drop.")
    ] = "auto",
    diagnose: Annotated[
        str,
        typer.Option(help="What each modality is worth: auto (noise only where it is cheap), full or no."),
    ] = "auto",
    plugin: Plugins = None,
) -> "RunSpec":
    """What the shell line asks for."""
    from mmbench.data import default_cache
    from mmbench.workflows import RunSpec

    return RunSpec(
        method=method,
        dataset=dataset,
        protocol=protocol,
        folds=folds,
        task=task,
        standardize=standardize,  # type: ignore[arg-type]  # refused later where it is neither
        units=None if units is None else split_list(units),
        modalities=None if modalities is None else split_list(modalities),
        encoders=parse_pairs(encoder or (), "--encoder"),
        training=parse_pairs(training or (), "--training"),
        preset=preset,
        seeds=seeds,
        data=data,
        out=out,
        cache=cache or default_cache(),
        device=device,
        jobs=jobs,
        cluster=cluster,
        threads=threads,
        bad=bad,
        plugins=tuple(plugin or ()),
        weights=weights,  # type: ignore[arg-type]  # the same
        diagnose=diagnose,  # type: ignore[arg-type]  # the same
    )


def tuning_options(
    tune: Tune = None,
    tune_seconds: TuneSeconds = None,
    tune_scope: TuneScope = "fold",
    tune_storage: TuneStorage = None,
) -> dict[str, Any]:
    """What of a spec these options set."""
    return {"tune": tune, "tune_seconds": tune_seconds, "tune_scope": tune_scope, "tune_storage": tune_storage}


def with_run_options(command: Callable[..., bool]) -> Callable[..., None]:
    """The command with the options of a run in place of its first argument, the spec made of them.

    The program exits with 1 where the command returns that some job failed.
    """
    return _with_options(command, {})


def with_tuning(trials: int | None = None) -> Callable[[Callable[..., bool]], Callable[..., None]]:
    """The same with the options of tuning, too; ``trials`` where none are asked for."""
    tuning = dict(inspect.signature(tuning_options).parameters)
    tuning["tune"] = tuning["tune"].replace(default=trials)
    return lambda command: _with_options(command, tuning)


def _with_options(command: Callable[..., bool], tuning: Mapping[str, inspect.Parameter]) -> Callable[..., None]:
    shared = inspect.signature(run_options).parameters
    own = list(inspect.signature(command).parameters.values())[1:]

    @wraps(command)
    def wrapped(**values: Any) -> None:
        spec = run_options(**{name: values.pop(name) for name in shared})
        if tuning:
            spec = replace(spec, **tuning_options(**{name: values.pop(name) for name in tuning}))
        failed = command(spec, **values)
        _print_plugin_failures(spec)
        exit_on_failure(failed)

    arguments, options = list(shared.values())[:2], list(shared.values())[2:]
    parameters = [*arguments, *own, *tuning.values(), *options]
    wrapped.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # what typer reads
        [parameter.replace(kind=parameter.KEYWORD_ONLY) for parameter in parameters]
    )
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapped


def exit_on_failure(failed: bool) -> None:
    """Let the program end with 1 where jobs failed, which their table or document tells."""
    if failed:
        raise typer.Exit(1)


def _print_plugin_failures(spec: "RunSpec") -> None:
    from mmbench.registry import load_registry

    for failure in load_registry(spec.plugins).failures:
        note(f"plugin {failure.plugin} was set aside: {failure.error}")
