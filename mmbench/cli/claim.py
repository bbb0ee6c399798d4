"""``mmbench claim``."""

from pathlib import Path
from typing import Annotated

import typer

from mmbench.cli.console import progress, show, show_json, show_lines
from mmbench.cli.options import Cluster, Json, Plugins, Quiet, exit_on_failure
from mmbench.registry import parse_pairs, split_list


def claim(
    method: Annotated[str, typer.Argument(help="A method that has claim cards: mmbench list names them.")],
    card: Annotated[str | None, typer.Argument(help="One of its cards; default: all.")] = None,
    run: Annotated[bool, typer.Option("--run", help="Run the rows that are missing.")] = False,
    on: Annotated[
        str | None, typer.Option(help="The card's simulated twin, such as deap-sim, in place of its dataset.")
    ] = None,
    only: Annotated[str, typer.Option(help="Rows, separated by commas.")] = "",
    training: Annotated[
        list[str] | None, typer.Option(help="SETTING=VALUE of the training loop for every row; may be repeated.")
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Number of training seeds of every row.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the dataset's files.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for records.")] = Path("runs"),
    cache: Annotated[Path | None, typer.Option(help="Folder for prepared data and tokens.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 ...")] = "auto",
    jobs: Annotated[int | None, typer.Option(help="Processes; default: one a core. Never changes results.")] = None,
    cluster: Cluster = None,
    plugin: Plugins = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Show what was published of a method beside what running it here gives."""
    from mmbench.data import default_cache
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
        cache=cache or default_cache(),
        device=device,
        jobs=jobs,
        cluster=cluster,
        plugins=tuple(plugin or ()),
    )
    with progress(quiet):
        result = claim_spec(spec)
    if as_json:
        show_json(result.to_json())
    else:
        for table, commands in claim_tables(result):
            show(table)
            show_lines(commands)
    exit_on_failure(bool(result.failed))
