"""``mmbench show`` and ``compare``: finished runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmbench.cli.help import OUTPUT
from mmbench.cli.options import Cache, Details, Json, Plugins
from mmbench.cli.output.console import show as show_result
from mmbench.cli.output.console import show_json, show_lines
from mmbench.cli.output.newest import note_newest, note_newest_suite, note_suites
from mmbench.cli.output.progress import progress
from mmbench.cli.output.suites import show_suite
from mmbench.errors import RecordError, SpecError

if TYPE_CHECKING:
    from mmbench.results import Comparison


def show(
    run: Annotated[
        Path,
        typer.Argument(help="Path that mmbench run, ablate, audit or suite printed, or a folder of runs."),
    ],
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Save images of instance, channel and modality weights, from trained weights.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    samples: Annotated[
        int, typer.Option(help="With --explain: number of samples to show.", rich_help_panel=OUTPUT)
    ] = 4,
    out: Annotated[
        Path | None,
        typer.Option(help="With --explain: folder of the images; default: beside the records.", rich_help_panel=OUTPUT),
    ] = None,
    cache: Cache = None,
    details: Details = False,
    plugin: Plugins = None,
    as_json: Json = False,
) -> None:
    """Show a run, ablation, audit or suite, or runs in a folder.

    Of a folder with several comparisons the newest is shown.
    """
    from mmbench.data import default_cache_folder
    from mmbench.registry import load_registry
    from mmbench.reporting import ablation_tables, comparison_table
    from mmbench.results import check_data_agreement, load_comparison, needs_choice
    from mmbench.workflows import AblationResult, is_ablation, is_audit, is_suite_file, load_ablation

    if not run.exists():
        raise RecordError("no such file or folder", where=run, remedy="give the path that mmbench run printed")
    load_registry(tuple(plugin or ()))  # its metrics score the records
    if is_audit(run):
        _show_audit(run, explain, as_json)
        return
    if is_suite_file(run):
        _show_suite(run, explain, as_json)
        return
    if needs_choice(run) and not explain:
        _list(run, as_json)
        return
    note_suites(run)
    note_newest([run])
    found = load_ablation(run) if is_ablation(run) else load_comparison(run)
    comparison = found.comparison if isinstance(found, AblationResult) else found
    check_data_agreement(comparison, cache or default_cache_folder())
    if explain:
        paths = _explain(comparison, samples, out, cache, tuple(plugin or ()))
        if as_json:
            show_json([str(path) for path in paths])
        else:
            show_lines(paths)
    elif as_json:
        show_json(found.to_json())
    elif isinstance(found, AblationResult):
        show_result(ablation_tables(found))
    else:
        show_result(comparison_table(found, details))


def _list(folder: Path, as_json: bool) -> None:
    from mmbench.reporting import run_list_text
    from mmbench.results import list_runs
    from mmbench.workflows import find_suite_files

    found = list_runs(folder)
    if not found.runs and not found.damaged and find_suite_files(folder):
        _show_suite(folder, False, as_json)
        return
    note_suites(folder)
    if not found.runs and not found.damaged:
        raise RecordError("holds no records", where=folder, remedy="give a path or folder that mmbench run printed")
    if as_json:
        show_json(found.to_json())
    else:
        show_result(run_list_text(found, folder))


def _show_suite(path: Path, explain: bool, as_json: bool) -> None:
    from mmbench.workflows import load_suite_result

    if explain:
        raise SpecError("a suite has no explanations", where="--explain", remedy="give it the path of a run")
    note_newest_suite(path)
    show_suite(load_suite_result(path), as_json)


def _show_audit(path: Path, explain: bool, as_json: bool) -> None:
    from mmbench.reporting import audit_table
    from mmbench.workflows import load_audit

    if explain:
        raise SpecError("an audit has no explanations", where="--explain", remedy="give it the path of a run")
    result = load_audit(path)
    if as_json:
        show_json(result.to_json())
    else:
        show_result(audit_table(result, path))


def _explain(
    comparison: "Comparison", samples: int, out: Path | None, cache: Path | None, plugins: tuple[str, ...]
) -> list[Path]:
    from mmbench.data import default_cache_folder
    from mmbench.reporting import check_matplotlib, draw_explanation
    from mmbench.workflows import explain_methods

    if samples < 1:
        raise SpecError(f"{samples} is too few", where="--samples", remedy="give 1 or more")
    check_matplotlib("--explain")  # before the work whose result it shows
    with progress():
        return [
            path
            for method, explanations in explain_methods(comparison, cache or default_cache_folder(), plugins, samples)
            for explanation in explanations
            for path in draw_explanation(
                explanation, (out / method.folder.name if out else method.folder / "explained")
            )
        ]


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs on the same splits.")],
    details: Details = False,
    plugin: Plugins = None,
    as_json: Json = False,
) -> None:
    """Compare several runs on the same splits in one table."""
    from mmbench.data import default_cache_folder
    from mmbench.registry import load_registry
    from mmbench.reporting import comparison_table
    from mmbench.results import check_data_agreement, load_comparison
    from mmbench.results import compare as compare_folders

    load_registry(tuple(plugin or ()))  # its metrics score the records
    note_newest(runs)
    folders = []
    for run in runs:
        if not run.exists():
            raise RecordError("no such file or folder", where=run, remedy="give folders that mmbench run wrote")
        folders += [method.folder for method in load_comparison(run).methods]
    comparison = compare_folders(runs[0], list(dict.fromkeys(folders)))
    check_data_agreement(comparison, default_cache_folder())
    if as_json:
        show_json(comparison.to_json())
    else:
        show_result(comparison_table(comparison, details))
