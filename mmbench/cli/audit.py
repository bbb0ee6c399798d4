"""``mmbench audit``."""

from typing import TYPE_CHECKING, Annotated

import typer

from mmbench.cli.help import EXECUTION
from mmbench.cli.options import Json, Quiet, with_run_options
from mmbench.cli.output.console import show, show_json
from mmbench.cli.output.progress import progress

if TYPE_CHECKING:
    from mmbench.workflows import RunSpec


@with_run_options
def audit(
    spec: "RunSpec",
    full: Annotated[
        bool,
        typer.Option(
            "--full",
            help="Also train the method under each protocol, on true and on randomly assigned labels.",
            rich_help_panel=EXECUTION,
        ),
    ] = False,
    draws: Annotated[
        int | None,
        typer.Option(
            help="Draws of random labels for the probe; default: 20 to 100, by the number of classes.",
            rich_help_panel=EXECUTION,
        ),
    ] = None,
    trainings: Annotated[
        int | None,
        typer.Option(
            help="With --full: number of draws that the method is trained on; default: 5.", rich_help_panel=EXECUTION
        ),
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> bool:
    """Find leaking protocols and measure score inflation."""
    from mmbench.reporting import audit_table
    from mmbench.workflows import audit_path, audit_spec

    with progress(quiet):
        result = audit_spec(spec, full, draws, trainings)
    if as_json:
        show_json(result.to_json())
    else:
        show(audit_table(result, audit_path(spec.out, result)))
    return bool(result.failed)
