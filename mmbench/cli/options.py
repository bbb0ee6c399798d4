"""Options of the commands that take a ``RunSpec``, declared once."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mmbench.cli.completion import complete_dataset, complete_method, complete_protocol
from mmbench.cli.help import DATA, EXECUTION, METHODS, OUTPUT, TRAINING, TUNING
from mmbench.cli.output.console import note
from mmbench.registry import parse_pairs, split_list

if TYPE_CHECKING:
    from mmbench.workflows import RunSpec

Json = Annotated[
    bool, typer.Option("--json", help="Print the result as one JSON document on stdout.", rich_help_panel=OUTPUT)
]
Plugins = Annotated[
    list[str] | None, typer.Option("--plugin", help="Load a plugin file; may be repeated.", rich_help_panel=METHODS)
]
Details = Annotated[
    bool,
    typer.Option("--details", help="Add other scores, calibration, cost and modality effects.", rich_help_panel=OUTPUT),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.", rich_help_panel=OUTPUT)]
Data = Annotated[Path | None, typer.Option("--data", help="Folder of the dataset's files.", rich_help_panel=DATA)]
Cache = Annotated[
    Path | None,
    typer.Option("--cache", help="Folder for prepared data and encoder outputs.", rich_help_panel=EXECUTION),
]
Out = Annotated[Path, typer.Option("--out", help="Folder for records.", rich_help_panel=OUTPUT)]
Stratify = Annotated[
    bool | None,
    typer.Option(
        "--stratify/--no-stratify", help="Balance classes over the parts; groups stay whole.", rich_help_panel=DATA
    ),
]
TaskName = Annotated[
    str | None,
    typer.Option("--task", help="Task to predict; default: the dataset's first task.", rich_help_panel=DATA),
]
Units = Annotated[
    str | None,
    typer.Option("--units", help="Use only these subjects or other units, by commas.", rich_help_panel=DATA),
]
Bad = Annotated[
    str, typer.Option("--bad", help="What to do with unusable samples: error or drop.", rich_help_panel=DATA)
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1 ...", rich_help_panel=EXECUTION)]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs", help="Number of processes; default: one per core. Does not change results.", rich_help_panel=EXECUTION
    ),
]
Seeds = Annotated[
    int | None,
    typer.Option(
        "--seeds",
        help="Number of training seeds; default: 3. One seed does not measure variation between trainings.",
        rich_help_panel=TRAINING,
    ),
]
TrainingSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--training",
        help="SETTING=VALUE of the training loop, such as lr=0.001; may be repeated.",
        rich_help_panel=TRAINING,
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        help="tcp://HOST:PORT of a running Dask scheduler whose workers train. Does not change results.",
        rich_help_panel=EXECUTION,
    ),
]
Against = Annotated[
    str,
    typer.Option(
        help="Baselines, separated by commas; auto: concat, late, each single modality and prior; none.",
        rich_help_panel=METHODS,
    ),
]
Tune = Annotated[
    int | None,
    typer.Option(
        "--tune",
        help="Tuning trials per method and fold, on the fold's training part; the first has the defaults.",
        rich_help_panel=TUNING,
    ),
]
TuneSeconds = Annotated[
    float | None,
    typer.Option(help="Start no tuning trial after this many seconds per method and fold.", rich_help_panel=TUNING),
]
TuneScope = Annotated[
    str, typer.Option(help="fold: tune in every fold; once: in the first fold only.", rich_help_panel=TUNING)
]
TuneStorage = Annotated[
    str | None,
    typer.Option(
        help="sqlite:///FILE or postgresql://USER@HOST/DATABASE; default: beside the records.", rich_help_panel=TUNING
    ),
]
MethodName = Annotated[
    str,
    typer.Argument(
        help="Method or fusion, as name or name[param=value,...].", autocompletion=complete_method, show_default=False
    ),
]
DatasetName = Annotated[
    str,
    typer.Argument(help="Dataset, as name or name[param=value,...].", autocompletion=complete_dataset),
]


def run_options(
    method: MethodName,
    dataset: DatasetName,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="segment, trial, session, subject, loso, official, time, group:NAME, pooled-segment or pooled-trial; "
            "default: subject, without subjects group:NAME or pooled-segment, also where there is an official split.",
            autocompletion=complete_protocol,
            rich_help_panel=DATA,
        ),
    ] = None,
    folds: Annotated[int | None, typer.Option(help="Number of folds; default: 5.", rich_help_panel=DATA)] = None,
    stratify: Stratify = None,
    task: TaskName = None,
    metric: Annotated[
        str | None,
        typer.Option(
            help="Metric that chooses epochs and decides, such as mcc or pearson; default: that of the task.",
            rich_help_panel=DATA,
        ),
    ] = None,
    standardize: Annotated[
        str | None,
        typer.Option(
            help="train: by training data (default); subject: each subject by their own unlabelled data.",
            rich_help_panel=DATA,
        ),
    ] = None,
    units: Units = None,
    modalities: Annotated[
        str | None, typer.Option(help="Modalities to use, separated by commas; default: all.", rich_help_panel=DATA)
    ] = None,
    encoder: Annotated[
        list[str] | None,
        typer.Option(help="MODALITY=ENCODER for a modality or a kind; may be repeated.", rich_help_panel=METHODS),
    ] = None,
    training: TrainingSettings = None,
    trainer: Annotated[
        str | None,
        typer.Option(
            help="Trainer, as name or name[param=value,...]; default: that of the method, or adamw.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="Preset of the method, a TOML file, or none; options given here override it.", rich_help_panel=METHODS
        ),
    ] = None,
    seeds: Seeds = None,
    data: Data = None,
    out: Out = Path("runs"),
    cache: Cache = None,
    device: Device = "auto",
    jobs: Jobs = None,
    cluster: Cluster = None,
    threads: Annotated[
        int, typer.Option(help="Threads per process; results depend on it.", rich_help_panel=EXECUTION)
    ] = 1,
    bad: Bad = "error",
    weights: Annotated[
        str,
        typer.Option(
            help="Trained weights beside the records: auto (up to 256 MB per fold), keep or drop.",
            rich_help_panel=OUTPUT,
        ),
    ] = "auto",
    diagnose: Annotated[
        str,
        typer.Option(
            help="Measure the effect of each modality: auto (noise only where it is cheap), full or no.",
            rich_help_panel=OUTPUT,
        ),
    ] = "auto",
    plugin: Plugins = None,
) -> "RunSpec":
    """The ``RunSpec`` of a command line."""
    from mmbench.data import default_cache_folder
    from mmbench.workflows import RunSpec

    return RunSpec(
        method=method,
        dataset=dataset,
        protocol=protocol,
        folds=folds,
        stratify=stratify,
        task=task,
        metric=metric,
        standardize=standardize,  # type: ignore[arg-type]  # checked later
        units=None if units is None else split_list(units),
        modalities=None if modalities is None else split_list(modalities),
        encoders=parse_pairs(encoder or (), "--encoder"),
        training=parse_pairs(training or (), "--training"),
        trainer=trainer,
        preset=preset,
        seeds=seeds,
        data=data,
        out=out,
        cache=cache or default_cache_folder(),
        device=device,
        jobs=jobs,
        cluster=cluster,
        threads=threads,
        bad=bad,
        plugins=tuple(plugin or ()),
        weights=weights,  # type: ignore[arg-type]  # checked later
        diagnose=diagnose,  # type: ignore[arg-type]  # checked later
    )


def tuning_options(
    tune: Tune = None,
    tune_seconds: TuneSeconds = None,
    tune_scope: TuneScope = "fold",
    tune_storage: TuneStorage = None,
) -> dict[str, Any]:
    """The fields of a ``RunSpec`` that the tuning options set."""
    return {"tune": tune, "tune_seconds": tune_seconds, "tune_scope": tune_scope, "tune_storage": tune_storage}


def with_run_options(needs_method: bool = True) -> Callable[[Callable[..., bool]], Callable[..., None]]:
    """The command with the options of a run in place of its first argument, a ``RunSpec``.

    The program exits with 1 where the command returns True, for a failed job or a leak. Without ``needs_method``,
    method and dataset are "" where the user names none.
    """
    return lambda command: _with_options(command, {}, needs_method)


def with_tuning(trials: int | None = None) -> Callable[[Callable[..., bool]], Callable[..., None]]:
    """The same with the tuning options; ``trials`` is the default of ``--tune``."""
    tuning = dict(inspect.signature(tuning_options).parameters)
    tuning["tune"] = tuning["tune"].replace(default=trials)
    return lambda command: _with_options(command, tuning)


def _with_options(
    command: Callable[..., bool], tuning: Mapping[str, inspect.Parameter], needs_method: bool = True
) -> Callable[..., None]:
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
    if not needs_method:
        arguments = [argument.replace(default="") for argument in arguments]
    parameters = [*arguments, *own, *tuning.values(), *options]
    wrapped.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # what typer reads
        [parameter.replace(kind=parameter.KEYWORD_ONLY) for parameter in parameters]
    )
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapped


def exit_on_failure(failed: bool) -> None:
    """Exit with 1 where jobs failed or a split leaks, which the printed result names."""
    if failed:
        raise typer.Exit(1)


def _print_plugin_failures(spec: "RunSpec") -> None:
    from mmbench.registry import load_registry

    for failure in load_registry(spec.plugins).failures:
        note(f"plugin {failure.plugin} was not loaded: {failure.error}")
