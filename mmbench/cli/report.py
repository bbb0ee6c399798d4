"""``mmbench report``."""

from pathlib import Path
from typing import Annotated

import typer

from mmbench.cli.help import OUTPUT
from mmbench.cli.options import Cache, Json, Plugins, Quiet
from mmbench.cli.output.console import note, show_json, show_lines
from mmbench.cli.output.newest import note_newest
from mmbench.cli.output.progress import progress


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(help="Files or folders that mmbench run, ablate or audit printed; runs of the same splits."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the page.", rich_help_panel=OUTPUT)] = Path("report"),
    explain: Annotated[
        bool,
        typer.Option(
            help="Add instance, channel and modality weights, from trained weights and prepared data.",
            rich_help_panel=OUTPUT,
        ),
    ] = True,
    cache: Cache = None,
    plugin: Plugins = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write one HTML page of finished runs, ablations and audits."""
    from mmbench.data import default_cache_folder
    from mmbench.registry import load_registry
    from mmbench.reporting import add_explanations, check_matplotlib, format_size, load_report_inputs, write_report
    from mmbench.results import check_data_agreement

    check_matplotlib("plots")  # before the work whose result they show
    load_registry(tuple(plugin or ()))  # its metrics score the records
    note_newest(runs)
    with progress(quiet):
        inputs = load_report_inputs(runs)
        check_data_agreement(inputs.comparison, cache or default_cache_folder())
        if explain:
            inputs = add_explanations(inputs, cache or default_cache_folder(), tuple(plugin or ()))
        written = write_report(inputs, out)
    if as_json:
        show_json({"page": str(written.path), "bytes": written.size})
    else:
        show_lines([written.path])
        note(f"{format_size(written.size)}, one file, works offline")
