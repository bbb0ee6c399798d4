"""``mmbench run``."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from mmbench.cli.console import progress, show, show_json
from mmbench.cli.options import Json, Quiet, with_run_options
from mmbench.specs import split_list

if TYPE_CHECKING:
    from mmbench.runspec import RunSpec


@with_run_options
def run(
    spec: "RunSpec",
    against: Annotated[str, typer.Option(help="Baselines, separated by commas.")] = "",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Run a method and its baselines under identical splits."""
    from mmbench.experiment import run_spec
    from mmbench.report import comparison_table

    with progress(quiet):
        comparison = run_spec(replace(spec, against=tuple(split_list(against))))
    if as_json:
        show_json(comparison.to_json())
    else:
        show(comparison_table(comparison))
