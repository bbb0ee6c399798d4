"""``mmbench tune``."""

from dataclasses import replace
from typing import TYPE_CHECKING

from mmbench.cli.options import Against, Json, Quiet, with_tuning
from mmbench.cli.output.console import show, show_json
from mmbench.cli.output.progress import progress
from mmbench.registry import parse_against

if TYPE_CHECKING:
    from mmbench.workflows import RunSpec


@with_tuning(trials=20)
def tune(
    spec: "RunSpec",
    against: Against = "auto",
    quiet: Quiet = False,
    as_json: Json = False,
) -> bool:
    """Tune a method and its baselines without testing them.

    A run with the same options reuses the chosen parameters.
    """
    from mmbench.reporting import tuning_tables
    from mmbench.workflows import tune_spec

    wanted = replace(spec, against=parse_against(against))
    with progress(quiet):
        result = tune_spec(wanted)
    if as_json:
        show_json(result.to_json())
    else:
        show(tuning_tables(result))
    return bool(result.failed)
