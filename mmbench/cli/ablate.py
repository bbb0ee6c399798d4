"""``mmbench ablate``."""

from typing import TYPE_CHECKING, Annotated

import typer

from mmbench.cli.console import progress, show, show_json
from mmbench.cli.options import Json, Quiet, with_tuning
from mmbench.registry import split_list

if TYPE_CHECKING:
    from mmbench.workflows import RunSpec


@with_tuning()
def ablate(
    spec: "RunSpec",
    only: Annotated[str, typer.Option(help="Tables to make, separated by commas, such as k,modalities.")] = "",
    quiet: Quiet = False,
    as_json: Json = False,
) -> bool:
    """Run a method with each of its options, against itself as it stands."""
    from mmbench.reporting import ablation_tables
    from mmbench.workflows import ablate_spec

    with progress(quiet):
        result = ablate_spec(spec, split_list(only))
    if as_json:
        show_json(result.to_json())
    else:
        show(ablation_tables(result))
    return bool(result.comparison.failed)
