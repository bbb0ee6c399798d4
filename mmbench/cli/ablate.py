"""``mmbench ablate``."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from mmbench.cli.console import progress, show, show_json
from mmbench.cli.options import Json, Quiet, Tune, TuneScope, TuneSeconds, TuneStorage, with_run_options
from mmbench.specs import split_list

if TYPE_CHECKING:
    from mmbench.runspec import RunSpec


@with_run_options
def ablate(
    spec: "RunSpec",
    only: Annotated[str, typer.Option(help="Tables to make, separated by commas, such as k,modalities.")] = "",
    tune: Tune = None,
    tune_seconds: TuneSeconds = None,
    tune_scope: TuneScope = "fold",
    tune_storage: TuneStorage = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> bool:
    """Run a method with each of its options, against itself as it stands."""
    from mmbench.ablation import ablate_spec
    from mmbench.report import ablation_tables

    wanted = replace(spec, tune=tune, tune_seconds=tune_seconds, tune_scope=tune_scope, tune_storage=tune_storage)
    with progress(quiet):
        result = ablate_spec(wanted, split_list(only))
    if as_json:
        show_json(result.to_json())
    else:
        show(ablation_tables(result))
    return bool(result.comparison.failed)
