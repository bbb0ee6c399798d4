"""``mmbench run``."""

from pathlib import Path
from typing import Annotated

import typer

from mmbench.cli.console import note, progress, show, show_json
from mmbench.specs import parse_pairs, split_list


def run(
    method: Annotated[str, typer.Argument(help="Method or fusion, as name or name[param=value,...].")],
    dataset: Annotated[str, typer.Argument(help="Dataset, as name or name[param=value,...].")],
    against: Annotated[str, typer.Option(help="Baselines, separated by commas.")] = "",
    protocol: Annotated[str | None, typer.Option(help="segment, trial, subject, loso, pooled-...")] = None,
    folds: Annotated[int, typer.Option(help="Number of folds.")] = 5,
    task: Annotated[str | None, typer.Option(help="What to predict; default: the dataset's first task.")] = None,
    standardize: Annotated[
        str, typer.Option(help="train (by training data only) or subject (each person by their own unlabelled data).")
    ] = "train",
    encoder: Annotated[
        list[str] | None, typer.Option(help="MODALITY=ENCODER for a modality or a kind; may be repeated.")
    ] = None,
    training: Annotated[
        list[str] | None, typer.Option(help="SETTING=VALUE of the training loop, such as lr=0.001; may be repeated.")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="A preset of the method, or a TOML file.")] = None,
    save_encoder: Annotated[
        list[str] | None,
        typer.Option(help="MODALITY=FILE.safetensors: keep the encoder of one more model, trained on all samples."),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Number of training seeds.")] = 1,
    data: Annotated[Path | None, typer.Option(help="Folder of the dataset's files.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for records.")] = Path("runs"),
    cache: Annotated[Path | None, typer.Option(help="Folder for prepared data and tokens.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 ...")] = "auto",
    jobs: Annotated[int | None, typer.Option(help="Processes; default: one a core. Never changes results.")] = None,
    threads: Annotated[int, typer.Option(help="Threads a process; part of what a result depends on.")] = 1,
    bad: Annotated[str, typer.Option(help="What to do with unusable samples: error or drop.")] = "error",
    plugin: Annotated[list[str] | None, typer.Option(help="A plugin file to load too; may be repeated.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Run a method and its baselines under identical splits."""
    from mmbench.experiment import run_spec
    from mmbench.plugins import load_registry
    from mmbench.prepare import default_cache
    from mmbench.report import comparison_table
    from mmbench.runspec import RunSpec

    spec = RunSpec(
        method=method,
        dataset=dataset,
        against=tuple(split_list(against)),
        protocol=protocol,
        folds=folds,
        task=task,
        standardize=standardize,  # type: ignore[arg-type]  # run_spec refuses what is neither
        encoders=parse_pairs(encoder or (), "--encoder"),
        training=parse_pairs(training or (), "--training"),
        preset=preset,
        save_encoders={key: Path(file) for key, file in parse_pairs(save_encoder or (), "--save-encoder").items()},
        seeds=seeds,
        data=data,
        out=out,
        cache=cache or default_cache(),
        device=device,
        jobs=jobs,
        threads=threads,
        bad=bad,
        plugins=tuple(plugin or ()),
    )
    with progress(quiet):
        comparison = run_spec(spec)
    for failure in load_registry(spec.plugins).failures:
        note(f"plugin {failure.plugin} was set aside: {failure.error}")
    if as_json:
        show_json(comparison.to_json())
    else:
        show(comparison_table(comparison))
