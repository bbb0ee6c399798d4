"""``mmbench folds`` and ``score``: predictions made elsewhere."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from mmbench.cli.completion import complete_protocol
from mmbench.cli.help import DATA, METHODS, OUTPUT
from mmbench.cli.options import (
    Bad,
    Cache,
    Data,
    DatasetName,
    Details,
    Json,
    Out,
    Plugins,
    Quiet,
    Stratify,
    TaskName,
    Units,
)
from mmbench.cli.output.console import note, show, show_json, show_lines
from mmbench.cli.output.progress import progress
from mmbench.registry import split_list

if TYPE_CHECKING:
    from mmbench.workflows import Folds


def folds(
    dataset: DatasetName,
    out: Annotated[
        Path,
        typer.Option(help="File to write: .json, or .csv with the .json beside it.", rich_help_panel=OUTPUT),
    ] = Path("folds.json"),
    protocol: Annotated[
        str | None,
        typer.Option(help="As in mmbench run.", autocompletion=complete_protocol, rich_help_panel=DATA),
    ] = None,
    n_folds: Annotated[
        int | None, typer.Option("--folds", help="Number of folds; default: 5.", rich_help_panel=DATA)
    ] = None,
    stratify: Stratify = None,
    task: TaskName = None,
    metric: Annotated[
        str | None, typer.Option(help="Metric that decides; default: that of the task.", rich_help_panel=DATA)
    ] = None,
    units: Units = None,
    bad: Bad = "error",
    labels: Annotated[
        bool,
        typer.Option(
            "--labels", help="Add the labels of the training and validation part of each fold.", rich_help_panel=OUTPUT
        ),
    ] = False,
    data: Data = None,
    cache: Cache = None,
    plugin: Plugins = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write the folds of a dataset, for training elsewhere."""
    from mmbench.data import default_cache_folder
    from mmbench.workflows import RunSpec, write_folds

    spec = RunSpec(
        "prior",
        dataset,
        protocol=protocol,
        folds=n_folds,
        stratify=stratify,
        task=task,
        metric=metric,
        units=None if units is None else split_list(units),
        bad=bad,
        data=data,
        cache=cache or default_cache_folder(),
        plugins=tuple(plugin or ()),
    )
    with progress(quiet):
        found = write_folds(spec, out, labels)
    if as_json:
        show_json(found.to_json())
        return
    show_lines(dict.fromkeys((out, out.with_suffix(".json"))))
    for line in _describe(found, out, "" if found.data is None else f" --data {quote(str(data or dataset))}"):
        note(line)


def _describe(found: "Folds", out: Path, data: str) -> list[str]:
    from mmbench.storage import counted

    request = found.request
    samples = {sample for fold in found.folds for part in ("train", "validation", "test") for sample in fold[part]}
    columns = f"id, fold, seed, {', '.join(found.names[:6])}{' ...' if len(found.names) > 6 else ''}"
    return [
        f"{found.data_name} · {request.task} · protocol {request.protocol}: {counted(len(samples), 'sample')}, "
        f"{counted(len(found.folds), 'fold')}, splits {found.parts['folds']}",
        f"predict the test part of each fold, as a table with the columns {columns}; then",
        f"mmbench score predictions.csv --folds {out}{data} --name NAME",
    ]


def score(
    predictions: Annotated[Path, typer.Argument(help="Table of predictions: .csv, .tsv, .parquet or .npz.")],
    folds: Annotated[
        Path, typer.Option("--folds", help="File that mmbench folds wrote.", rich_help_panel=DATA, show_default=False)
    ],
    name: Annotated[
        str, typer.Option("--name", help="Name of the method in tables.", rich_help_panel=METHODS, show_default=False)
    ],
    outputs: Annotated[
        str,
        typer.Option(
            help="What the columns hold: probabilities, logits, labels or values; auto tells them apart.",
            rich_help_panel=DATA,
        ),
    ] = "auto",
    against: Annotated[
        str,
        typer.Option(
            help="Runs on the same folds in the same folder of records, by commas; auto: all of them; none.",
            rich_help_panel=METHODS,
        ),
    ] = "auto",
    source: Annotated[
        str, typer.Option(help="Where the predictions come from: a repository, a paper.", rich_help_panel=METHODS)
    ] = "",
    data: Data = None,
    out: Out = Path("runs"),
    cache: Cache = None,
    plugin: Plugins = None,
    details: Details = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Score predictions made elsewhere on the same folds."""
    from mmbench.data import default_cache_folder
    from mmbench.reporting import comparison_table
    from mmbench.workflows import ScoreSpec, score_spec

    spec = ScoreSpec(
        predictions,
        folds,
        name,
        outputs=outputs,  # type: ignore[arg-type]  # checked later
        against=tuple(split_list(against)),
        source=source,
        data=data,
        out=out,
        cache=cache or default_cache_folder(),
        plugins=tuple(plugin or ()),
    )
    with progress(quiet):
        comparison = score_spec(spec)
    if as_json:
        show_json(comparison.to_json())
    else:
        show(comparison_table(comparison, details))
