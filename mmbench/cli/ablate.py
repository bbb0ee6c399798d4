"""``mmbench ablate``."""

from typing import TYPE_CHECKING, Annotated

import typer

from mmbench.cli.help import METHODS
from mmbench.cli.options import Json, Quiet, with_tuning
from mmbench.cli.output.console import show, show_json
from mmbench.cli.output.progress import progress
from mmbench.registry import split_list

if TYPE_CHECKING:
    from mmbench.workflows import RunSpec


@with_tuning()
def ablate(
    spec: "RunSpec",
    only: Annotated[
        str, typer.Option(help="Tables to make, separated by commas, such as k,modalities.", rich_help_panel=METHODS)
    ] = "",
    quiet: Quiet = False,
    as_json: Json = False,
) -> bool:
    """Compare a method with variants of one option each."""
    from mmbench.reporting import ablation_tables
    from mmbench.workflows import ablate_spec

    with progress(quiet):
        result = ablate_spec(spec, split_list(only))
    if as_json:
        show_json(result.to_json())
    else:
        show(ablation_tables(result))
    return bool(result.comparison.failed)
