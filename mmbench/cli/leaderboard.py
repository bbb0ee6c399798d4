"""``mmbench leaderboard``: records that are published, and the pages that follow from them."""

from pathlib import Path
from typing import Annotated

import typer

from mmbench.cli.console import progress, show_json, show_lines
from mmbench.cli.options import Json, Plugins, Quiet, exit_on_failure
from mmbench.errors import SpecError

app = typer.Typer(help="Leaderboards that anybody can rebuild from records.", no_args_is_help=True)

Root = Annotated[Path, typer.Option("--root", help="Folder of the leaderboards.")]


@app.command()
def add(
    runs: Annotated[list[Path], typer.Argument(help="Files or folders that mmbench run or audit printed.")],
    root: Root = Path("leaderboards"),
    as_json: Json = False,
) -> None:
    """Put runs on the board of their dataset, protocol and task, or an audit beside it, and build the pages."""
    from mmbench.reporting import publish_results

    folders = list(dict.fromkeys(folder for run in runs for folder in publish_results(run, root)))
    if as_json:
        show_json([str(folder) for folder in folders])
    else:
        show_lines(folders)


@app.command()
def build(root: Root = Path("leaderboards"), as_json: Json = False) -> None:
    """Write the Markdown and the pages of all boards again; prints the files that changed."""
    from mmbench.reporting import build_leaderboards

    changed = build_leaderboards(root)
    if as_json:
        show_json([str(path) for path in changed])
    else:
        show_lines(changed or ["nothing changed"])


@app.command()
def verify(
    root: Root = Path("leaderboards"),
    again: Annotated[
        str, typer.Option(help="Folds to train again, none twice, of each board in turn; a number, or all.")
    ] = "1",
    seed: Annotated[int, typer.Option(help="Which folds these are.")] = 0,
    data: Annotated[
        list[str] | None, typer.Option(help="DATASET=FOLDER of its files, to train its folds again; may be repeated.")
    ] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder for prepared data and tokens.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Processes; default: one a core.")] = None,
    plugin: Plugins = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Recompute every number from predictions, hold the pages against them, and train sampled folds again."""
    from joblib import cpu_count

    from mmbench.data import default_cache
    from mmbench.registry import parse_pairs
    from mmbench.reporting import verify_leaderboards
    from mmbench.workflows import Place

    folders = {name: Path(folder) for name, folder in parse_pairs(data or (), "--data").items()}
    place = Place(None, cache or default_cache(), jobs or cpu_count(), tuple(plugin or ()))
    with progress(quiet):
        found = verify_leaderboards(root, _parse_again(again), seed, place, folders)
    if as_json:
        show_json({"checked": found.lines, "faults": found.faults})
    else:
        show_lines([*found.lines, *(f"WRONG {line}" for line in found.faults)])
    exit_on_failure(bool(found.faults))


def _parse_again(text: str) -> int | None:
    """A number of folds; None for all."""
    if text == "all":
        return None
    if not text.isdecimal():
        raise SpecError(f"{text!r} is no number of folds", where="--again", remedy="write 0, 1, 2 ... or all")
    return int(text)
