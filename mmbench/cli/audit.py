"""``mmbench audit``."""

from typing import TYPE_CHECKING, Annotated

import typer

from mmbench.cli.console import progress, show, show_json
from mmbench.cli.options import Json, Quiet, with_run_options

if TYPE_CHECKING:
    from mmbench.workflows import RunSpec


@with_run_options
def audit(
    spec: "RunSpec",
    full: Annotated[
        bool, typer.Option("--full", help="Train the method itself under each protocol, too, also on labels by lot.")
    ] = False,
    draws: Annotated[
        int | None,
        typer.Option(help="Draws of labels by lot for the probe; default: 20-100, by the number of classes."),
    ] = None,
    trainings: Annotated[int, typer.Option(help="With --full: draws that the method is trained on.")] = 5,
    quiet: Quiet = False,
    as_json: Json = False,
) -> bool:
    """Tell which protocols leak on a dataset, and by how much they inflate scores; default: all protocols."""
    from mmbench.reporting import audit_table
    from mmbench.workflows import audit_path, audit_spec

    with progress(quiet):
        result = audit_spec(spec, full, draws, trainings)
    if as_json:
        show_json(result.to_json())
    else:
        show(audit_table(result, audit_path(spec.out, result)))
    return bool(result.failed)
