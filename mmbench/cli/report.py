"""``mmbench report``."""

from pathlib import Path
from typing import Annotated

import typer

from mmbench.cli.console import note, progress, show_json, show_lines
from mmbench.cli.options import Json, Quiet


def report(
    runs: Annotated[list[Path], typer.Argument(help="What mmbench run, ablate or audit printed; runs of same splits.")],
    out: Annotated[Path, typer.Option(help="Folder for the page.")] = Path("report"),
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write one static page of finished runs: verdict, scores, plots, audit, and how to reproduce them."""
    from mmbench.pages import write_report
    from mmbench.pages.sources import find_sources
    from mmbench.report.quantities import short_size

    with progress(quiet):
        written = write_report(find_sources(runs), out)
    if as_json:
        show_json({"page": str(written.path), "bytes": written.size})
    else:
        show_lines([written.path])
        note(f"{short_size(written.size)}, one file that opens in any browser")
