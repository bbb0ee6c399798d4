"""``mmbench explain``."""

from dataclasses import replace
from typing import TYPE_CHECKING

from mmbench.cli.options import Against, Json, Quiet, with_tuning
from mmbench.cli.output.console import show, show_json
from mmbench.cli.output.progress import progress
from mmbench.registry import parse_against

if TYPE_CHECKING:
    from mmbench.workflows import RunSpec


@with_tuning()
def explain(
    spec: "RunSpec",
    against: Against = "auto",
    quiet: Quiet = False,
    as_json: Json = False,
) -> bool:
    """Show what a run would reuse, and why not the rest.

    Nothing is run.
    """
    from mmbench.reporting import explained_table
    from mmbench.workflows import explain_reuse

    wanted = replace(spec, against=parse_against(against))
    with progress(quiet):
        found = explain_reuse(wanted)
    if as_json:
        show_json([each.to_json() for each in found])
    else:
        show(explained_table(found))
    return False
