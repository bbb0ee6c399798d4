"""``mmbench run``."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmbench.cli.help import OUTPUT
from mmbench.cli.options import Against, Details, Json, Quiet, with_tuning
from mmbench.cli.output.console import show, show_json
from mmbench.cli.output.progress import progress
from mmbench.registry import parse_against, parse_pairs

if TYPE_CHECKING:
    from mmbench.workflows import RunSpec


@with_tuning()
def run(
    spec: "RunSpec",
    against: Against = "auto",
    save_encoder: Annotated[
        list[str] | None,
        typer.Option(
            help="MODALITY=FILE.safetensors: train one more model on all samples and save its encoder.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    details: Details = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> bool:
    """Run a method and its baselines on identical splits."""
    from mmbench.reporting import comparison_table
    from mmbench.workflows import run_spec

    files = {key: Path(file) for key, file in parse_pairs(save_encoder or (), "--save-encoder").items()}
    with progress(quiet):
        comparison = run_spec(replace(spec, against=parse_against(against), save_encoders=files))
    if as_json:
        show_json(comparison.to_json())
    else:
        show(comparison_table(comparison, details))
    return bool(comparison.failed)
