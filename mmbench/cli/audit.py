"""``mmbench audit``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmbench.cli.help import DATA, EXECUTION
from mmbench.cli.options import Json, Quiet, run_options, with_run_options
from mmbench.cli.output.console import show, show_json
from mmbench.cli.output.progress import progress
from mmbench.errors import SpecError
from mmbench.registry import split_list

if TYPE_CHECKING:
    from mmbench.workflows import RunSpec


@with_run_options(needs_method=False)
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
    split: Annotated[
        Path | None,
        typer.Option(
            help="Instead of METHOD DATASET: CSV file of a split, with columns id and part; exit code 1 if it leaks.",
            rich_help_panel=DATA,
        ),
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(help="With --split: groups to look for in both parts, by commas.", rich_help_panel=DATA),
    ] = None,
    from_name: Annotated[
        str | None,
        typer.Option(
            help="With --split: groups in the ids, such as '{actor}_{sentence}' or '(?P<actor>[0-9]+)_.*'.",
            rich_help_panel=DATA,
        ),
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> bool:
    """Find leaking protocols and measure score inflation."""
    if split is not None:
        _check_alone(spec, full, draws, trainings)
        return _audit_split(split, split_list(groups or ""), from_name, as_json)
    for option, value in (("--groups", groups), ("--from-name", from_name)):
        if value is not None:
            raise SpecError("no split is given", where=option, remedy="add --split FILE.csv, or leave it out")
    if not (spec.method and spec.dataset):
        raise SpecError("no method and dataset", where="audit", remedy="name both, or give --split FILE.csv")
    from mmbench.reporting import audit_table
    from mmbench.workflows import audit_path, audit_spec

    with progress(quiet):
        result = audit_spec(spec, full, draws, trainings)
    if as_json:
        show_json(result.to_json())
    else:
        show(audit_table(result, audit_path(spec.out, result)))
    return bool(result.failed)


def _check_alone(spec: "RunSpec", full: bool, draws: int | None, trainings: int | None) -> None:
    """Raise SpecError for arguments that have no effect with ``--split``."""
    if (spec, full, draws, trainings) != (run_options("", ""), False, None, None):
        raise SpecError(
            "audits ids alone",
            where="--split",
            remedy="leave out METHOD, DATASET and all options but --groups, --from-name and --json",
        )


def _audit_split(split: Path, groups: list[str], from_name: str | None, as_json: bool) -> bool:
    """Print the audit; whether the split leaks."""
    from mmbench.reporting import split_audit_table
    from mmbench.workflows import audit_split

    audit = audit_split(split, groups, from_name)
    if as_json:
        show_json(audit.to_json())
    else:
        show(split_audit_table(audit))
    return audit.leaks
