"""``mmbench leaderboard``: boards of published records, and their pages."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mmbench.cli.help import DATA, EXECUTION, OUTPUT, Command, Group
from mmbench.cli.options import Cache, Jobs, Json, Plugins, Quiet, exit_on_failure
from mmbench.cli.output.console import note, show_json, show_lines
from mmbench.cli.output.newest import note_newest
from mmbench.cli.output.progress import progress
from mmbench.errors import SpecError
from mmbench.storage import counted

app = typer.Typer(
    help="Add runs to leaderboards, build, verify and submit them.",
    epilog="mmbench leaderboard verify",
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,
)

Root = Annotated[Path, typer.Option("--root", help="Folder of the leaderboards.", rich_help_panel=DATA)]


@app.command(cls=Command, epilog="mmbench leaderboard add runs/RUN")
def add(
    runs: Annotated[list[Path], typer.Argument(help="Files or folders that mmbench run, audit or suite printed.")],
    root: Root = Path("leaderboards"),
    plugin: Plugins = None,
    as_json: Json = False,
) -> None:
    """Add runs, suites or audits to boards, and build the pages."""
    from mmbench.registry import load_registry
    from mmbench.reporting import publish_results

    load_registry(tuple(plugin or ()))  # its metrics score the records
    note_newest(runs)
    folders = list(dict.fromkeys(folder for run in runs for folder in publish_results(run, root)))
    if as_json:
        show_json([str(folder) for folder in folders])
    else:
        show_lines(folders)


@app.command(cls=Command, epilog="mmbench leaderboard build")
def build(root: Root = Path("leaderboards"), plugin: Plugins = None, as_json: Json = False) -> None:
    """Build the pages of all boards, and print changed files."""
    from mmbench.registry import load_registry
    from mmbench.reporting import build_leaderboards

    load_registry(tuple(plugin or ()))  # its metrics score the records
    changed = build_leaderboards(root)
    if as_json:
        show_json([str(path) for path in changed])
    else:
        show_lines(changed or ["nothing changed"])


@app.command(cls=Command, epilog="mmbench leaderboard verify --again 4")
def verify(
    root: Root = Path("leaderboards"),
    again: Annotated[
        str,
        typer.Option(help="Number of folds to train again, of each board in turn, or all.", rich_help_panel=EXECUTION),
    ] = "1",
    seed: Annotated[int, typer.Option(help="Random seed that selects these folds.", rich_help_panel=EXECUTION)] = 0,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="DATASET=FOLDER of its files, to train its folds again; may be repeated.", rich_help_panel=DATA
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="Changed file: verify its board only; may be repeated, - reads a list from stdin.",
            rich_help_panel=DATA,
        ),
    ] = None,
    cache: Cache = None,
    jobs: Jobs = None,
    plugin: Plugins = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Verify numbers and pages, and train sampled folds again."""
    from joblib import cpu_count

    from mmbench.data import default_cache_folder
    from mmbench.registry import load_registry, parse_pairs
    from mmbench.reporting import verify_leaderboards
    from mmbench.workflows import RetrainOptions

    folders = {name: Path(folder) for name, folder in parse_pairs(data or (), "--data").items()}
    load_registry(tuple(plugin or ()))  # its metrics score the records
    place = RetrainOptions(None, cache or default_cache_folder(), jobs or cpu_count(), tuple(plugin or ()))
    with progress(quiet):
        found = verify_leaderboards(root, _parse_again(again), seed, place, folders, _parse_only(only))
    if as_json:
        show_json({"checked": found.lines, "faults": found.faults})
    else:
        show_lines([*found.lines, *(f"WRONG {line}" for line in found.faults)])
    exit_on_failure(bool(found.faults))


@app.command(cls=Command, epilog="mmbench leaderboard submit runs/RUN --out submission.zip")
def submit(
    run: Annotated[Path, typer.Argument(help="File or folder that mmbench run or score printed.")],
    who: Annotated[str, typer.Option(help="Who submits: a name, a group.", rich_help_panel=OUTPUT, show_default=False)],
    licence: Annotated[
        str,
        typer.Option(help="Licence of the records, such as CC-BY-4.0.", rich_help_panel=OUTPUT, show_default=False),
    ],
    out: Annotated[Path, typer.Option(help="New folder or .zip file.", rich_help_panel=OUTPUT)] = Path(
        "submission.zip"
    ),
    what: Annotated[str, typer.Option(help="What the method is, in a sentence.", rich_help_panel=OUTPUT)] = "",
    url: Annotated[str, typer.Option(help="Where it is described.", rich_help_panel=OUTPUT)] = "",
    board: Annotated[
        str | None,
        typer.Option(help="DATASET/PROTOCOL/TASK that it is meant for; others are refused.", rich_help_panel=DATA),
    ] = None,
    root: Root = Path("leaderboards"),
    cache: Cache = None,
    plugin: Plugins = None,
    as_json: Json = False,
) -> None:
    """Verify runs and pack them for a pull request."""
    from mmbench.data import default_cache_folder
    from mmbench.registry import load_registry
    from mmbench.reporting import Submitter, pack_submission

    load_registry(tuple(plugin or ()))  # its metrics score the records
    submitter = Submitter(who, licence, what, url)
    packed = pack_submission(run, root, out, submitter, cache or default_cache_folder(), board)
    if as_json:
        show_json({**asdict(packed), "path": str(packed.path)})
    else:
        show_lines([packed.path])
        note(f"{packed.board}: {'; '.join(packed.runs)} ({counted(len(packed.files), 'file')})")
        note(f"unpack it over {root}, commit, and open a pull request")


def _parse_only(paths: list[str] | None) -> list[Path] | None:
    """Changed files; ``-`` stands for the lines of stdin."""
    if not paths:
        return None
    lines = [line for path in paths for line in (sys.stdin.read().splitlines() if path == "-" else [path])]
    return [Path(line) for line in lines if line.strip()]


def _parse_again(text: str) -> int | None:
    """A number of folds; None for all."""
    if text == "all":
        return None
    if not text.isdecimal():
        raise SpecError(f"{text!r} is not a number of folds", where="--again", remedy="give 0, 1, 2 ... or all")
    return int(text)
