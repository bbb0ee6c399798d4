"""``mmbench diagnose``."""

from pathlib import Path
from typing import Annotated

import typer

from mmbench.cli.console import progress, show, show_json
from mmbench.cli.options import Json, Plugins, Quiet


def diagnose(
    run: Annotated[Path, typer.Argument(help="A file or a folder that mmbench run printed.")],
    method: Annotated[str | None, typer.Option(help="Only this one of its methods.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder of prepared data and tokens.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Processes; default: one a core. Never changes results.")] = None,
    plugin: Plugins = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Tell what each modality is worth to the methods of a finished run, from their weights."""
    from joblib import cpu_count

    from mmbench import diagnose as diagnose_run
    from mmbench.reporting import diagnosis_tables

    with progress(quiet):
        comparison = diagnose_run(
            run, method, cache=cache, plugins=tuple(plugin or ()), jobs=cpu_count() if jobs is None else jobs
        )
    if as_json:
        show_json(comparison.to_json())
    else:
        show(diagnosis_tables(comparison))
