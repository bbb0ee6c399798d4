"""``mmbench diagnose``."""

from pathlib import Path
from typing import Annotated

import typer

from mmbench.cli.help import METHODS
from mmbench.cli.options import Cache, Jobs, Json, Plugins, Quiet
from mmbench.cli.output.console import show, show_json
from mmbench.cli.output.newest import note_newest
from mmbench.cli.output.progress import progress


def diagnose(
    run: Annotated[Path, typer.Argument(help="File or folder that mmbench run printed.")],
    method: Annotated[str | None, typer.Option(help="Diagnose only this method.", rich_help_panel=METHODS)] = None,
    cache: Cache = None,
    jobs: Jobs = None,
    plugin: Plugins = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Measure the effect of each modality in a finished run."""
    from joblib import cpu_count

    from mmbench import diagnose as diagnose_run
    from mmbench.reporting import diagnosis_tables

    note_newest([run])
    with progress(quiet):
        comparison = diagnose_run(
            run, method, cache=cache, plugins=tuple(plugin or ()), jobs=cpu_count() if jobs is None else jobs
        )
    if as_json:
        show_json(comparison.to_json())
    else:
        show(diagnosis_tables(comparison))
