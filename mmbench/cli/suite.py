"""``mmbench suite``: the same methods on the datasets of a suite."""

from pathlib import Path
from typing import Annotated

import typer

from mmbench.cli.help import DATA, METHODS, OUTPUT, Command, Group
from mmbench.cli.options import Cache, Cluster, Device, Jobs, Json, Out, Plugins, Quiet, exit_on_failure
from mmbench.cli.output.console import note, show_json, show_lines
from mmbench.cli.output.newest import note_newest_suite
from mmbench.cli.output.progress import progress
from mmbench.cli.output.suites import show_suite, show_suite_description
from mmbench.registry import parse_pairs, split_list

app = typer.Typer(
    help="Compare methods on several datasets at once, and rank them.",
    epilog="mmbench suite run quick-v1 --methods concat,late,prior",
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,
)
Results = Annotated[Path, typer.Argument(metavar="DIR", help="Folder or file that mmbench suite run printed.")]


@app.command("list", cls=Command, epilog="mmbench suite list")
def list_suites(as_json: Json = False) -> None:
    """List the suites of mmbench and their datasets."""
    from mmbench.workflows import find_suites, load_suite

    suites = [load_suite(name) for name in find_suites()]
    if as_json:
        show_json([{"suite": each.label, "title": each.title, **each.content()} for each in suites])
    else:
        show_lines(f"{each.label}: {each.title} ({', '.join(one.name for one in each.datasets)})" for each in suites)


@app.command(cls=Command, epilog="mmbench suite run quick-v1 --methods concat,late,prior")
def run(
    suite: Annotated[str, typer.Argument(help="Suite of mmbench suite list, or the path of a TOML file.")],
    methods: Annotated[
        str,
        typer.Option(help="Methods, separated by commas; verdicts are on the first.", rich_help_panel=METHODS),
    ],
    data: Annotated[
        list[str] | None,
        typer.Option(help="NAME=DIR: the folder of a dataset's files; may be repeated.", rich_help_panel=DATA),
    ] = None,
    only: Annotated[
        str, typer.Option(help="Run only these datasets of the suite, by commas.", rich_help_panel=DATA)
    ] = "",
    require_all: Annotated[
        bool,
        typer.Option(
            "--require-all",
            help="End with an error if a dataset is not installed or not at hand.",
            rich_help_panel=DATA,
        ),
    ] = False,
    out: Out = Path("runs"),
    cache: Cache = None,
    device: Device = "auto",
    jobs: Jobs = None,
    cluster: Cluster = None,
    plugin: Plugins = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Run methods on every dataset of a suite; the same command resumes."""
    from mmbench.data import default_cache_folder
    from mmbench.workflows import SuiteSpec, suite_spec

    spec = SuiteSpec(
        suite=suite,
        methods=(methods,),
        data={name: Path(folder).expanduser() for name, folder in parse_pairs(data or (), "--data").items()},
        only=tuple(split_list(only)),
        require_all=require_all,
        out=out,
        cache=cache or default_cache_folder(),
        device=device,
        jobs=jobs,
        cluster=cluster,
        plugins=tuple(plugin or ()),
    )
    with progress(quiet):
        result = suite_spec(spec)
    show_suite(result, as_json)
    exit_on_failure(bool(result.failed) or not result.comparisons)


@app.command(cls=Command, epilog="mmbench suite show runs")
def show(
    results: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder or file that mmbench suite run printed, or a suite.")
    ],
    plugin: Plugins = None,
    as_json: Json = False,
) -> None:
    """Show the results of a suite, or what a suite consists of."""
    from mmbench.registry import load_registry
    from mmbench.workflows import find_suites, load_suite, load_suite_result

    if results.suffix == ".toml" or (str(results) in find_suites() and not results.exists()):
        show_suite_description(load_suite(str(results)), as_json)
        return
    load_registry(tuple(plugin or ()))  # its metrics score the records
    note_newest_suite(results)
    show_suite(load_suite_result(results), as_json)


@app.command(cls=Command, epilog="mmbench suite report runs --out page")
def report(
    results: Results,
    out: Annotated[Path, typer.Option(help="Folder for the page.", rich_help_panel=OUTPUT)] = Path("report"),
    plugin: Plugins = None,
    as_json: Json = False,
) -> None:
    """Write one HTML page of the results of a suite."""
    from mmbench.registry import load_registry
    from mmbench.reporting import check_matplotlib, format_size, write_suite_report
    from mmbench.workflows import load_suite_result

    check_matplotlib("plots")  # before the work whose result they show
    load_registry(tuple(plugin or ()))  # its metrics score the records
    note_newest_suite(results)
    written = write_suite_report(load_suite_result(results), out)
    if as_json:
        show_json({"page": str(written.path), "bytes": written.size})
    else:
        show_lines([written.path])
        note(f"{format_size(written.size)}, one file, works offline")
