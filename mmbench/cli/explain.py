"""``mmbench explain``."""

from dataclasses import replace
from typing import TYPE_CHECKING

from mmbench.cli.console import progress, show, show_json
from mmbench.cli.options import Against, Json, Quiet, Tune, TuneScope, TuneSeconds, TuneStorage, with_run_options
from mmbench.specs import split_list

if TYPE_CHECKING:
    from mmbench.runspec import RunSpec


@with_run_options
def explain(
    spec: "RunSpec",
    against: Against = "",
    tune: Tune = None,
    tune_seconds: TuneSeconds = None,
    tune_scope: TuneScope = "fold",
    tune_storage: TuneStorage = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> bool:
    """Tell what of a run was made before, and of the rest what differs from what there is; makes nothing."""
    from mmbench.explaining import explain_spec
    from mmbench.report import explained_table

    wanted = replace(
        spec,
        against=tuple(split_list(against)),
        tune=tune,
        tune_seconds=tune_seconds,
        tune_scope=tune_scope,
        tune_storage=tune_storage,
    )
    with progress(quiet):
        found = explain_spec(wanted)
    if as_json:
        show_json([each.to_json() for each in found])
    else:
        show(explained_table(found))
    return False
