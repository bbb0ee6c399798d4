"""``mmbench claim``."""

from pathlib import Path
from typing import Annotated

import typer

from mmbench.cli.completion import complete_method
from mmbench.cli.help import DATA, EXECUTION, METHODS
from mmbench.cli.options import (
    Cache,
    Cluster,
    Data,
    Device,
    Jobs,
    Json,
    Out,
    Plugins,
    Quiet,
    Seeds,
    TrainingSettings,
    exit_on_failure,
)
from mmbench.cli.output.console import note, show, show_json, show_lines
from mmbench.cli.output.progress import progress
from mmbench.registry import parse_pairs, split_list


def claim(
    method: Annotated[
        str, typer.Argument(help="A method with claim cards, which mmbench list names.", autocompletion=complete_method)
    ],
    card: Annotated[str | None, typer.Argument(help="Claim card; default: all.")] = None,
    run: Annotated[bool, typer.Option("--run", help="Run the missing rows.", rich_help_panel=EXECUTION)] = False,
    on: Annotated[
        str | None,
        typer.Option(help="Simulated counterpart of the card's dataset, such as deap-sim.", rich_help_panel=DATA),
    ] = None,
    split: Annotated[
        Path | None,
        typer.Option(
            help="CSV file of the published split of the card, to audit it; exit code 1 if it differs.",
            rich_help_panel=DATA,
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="File of weights for the rows that score one.", rich_help_panel=METHODS),
    ] = None,
    only: Annotated[str, typer.Option(help="Rows to show or run, separated by commas.", rich_help_panel=METHODS)] = "",
    training: TrainingSettings = None,
    seeds: Seeds = None,
    data: Data = None,
    out: Out = Path("runs"),
    cache: Cache = None,
    device: Device = "auto",
    jobs: Jobs = None,
    cluster: Cluster = None,
    plugin: Plugins = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Compare published scores of a method with reproduced ones."""
    from mmbench.data import default_cache_folder
    from mmbench.reporting import claim_tables
    from mmbench.workflows import ClaimSpec, claim_spec

    spec = ClaimSpec(
        method=method,
        card=card,
        on=on,
        run=run,
        only=tuple(split_list(only)),
        seeds=seeds,
        training=parse_pairs(training or (), "--training"),
        data=data,
        out=out,
        cache=cache or default_cache_folder(),
        device=device,
        jobs=jobs,
        cluster=cluster,
        plugins=tuple(plugin or ()),
        split=split,
        checkpoint=checkpoint,
    )
    with progress(quiet):
        result = claim_spec(spec)
    if as_json:
        show_json(result.to_json())
    else:
        for table, commands in claim_tables(result):
            show(table)
            show_lines(commands)
    if result.failure:
        note(result.failure)
    exit_on_failure(bool(result.failed) or result.differs)
