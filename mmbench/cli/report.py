"""``mmbench report``."""

from pathlib import Path
from typing import Annotated

import typer

from mmbench.cli.console import note, progress, show_json, show_lines
from mmbench.cli.options import Json, Plugins, Quiet


def report(
    runs: Annotated[list[Path], typer.Argument(help="What mmbench run, ablate or audit printed; runs of same splits.")],
    out: Annotated[Path, typer.Option(help="Folder for the page.")] = Path("report"),
    explain: Annotated[
        bool, typer.Option(help="Show what the methods looked at, from their weights and the prepared data.")
    ] = True,
    cache: Annotated[Path | None, typer.Option(help="Folder of prepared data and tokens.")] = None,
    plugin: Plugins = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write one static page of finished runs: verdict, scores, plots, audit, and how to reproduce them."""
    from mmbench.data import default_cache
    from mmbench.reporting import add_explanations, format_size, load_report_inputs, write_report
    from mmbench.results import check_agreement

    with progress(quiet):
        sources = load_report_inputs(runs)
        check_agreement(sources.comparison, cache or default_cache())
        if explain:
            sources = add_explanations(sources, cache or default_cache(), tuple(plugin or ()))
        written = write_report(sources, out)
    if as_json:
        show_json({"page": str(written.path), "bytes": written.size})
    else:
        show_lines([written.path])
        note(f"{format_size(written.size)}, one file that opens in any browser")
