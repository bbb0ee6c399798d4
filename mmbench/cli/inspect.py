"""``mmbench list``, ``show``, ``compare`` and ``check``: looking at what there is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from mmbench.cli.console import note, progress, show_json
from mmbench.cli.console import show as show_result
from mmbench.cli.options import Json
from mmbench.errors import RecordError
from mmbench.progress import track
from mmbench.specs import parse_pairs

_KINDS = ("methods", "fusions", "encoders", "datasets")
Plugins = Annotated[list[str] | None, typer.Option("--plugin", help="A plugin file to load too; may be repeated.")]


def list_components(plugin: Plugins = None, as_json: Json = False) -> None:
    """List every component, the plugin it is from, and what failed to load."""
    from mmbench.plugins import load_registry

    registry = load_registry(tuple(plugin or ()))
    found = {kind: [_describe(registry, kind, name) for name in sorted(getattr(registry, kind))] for kind in _KINDS}
    failures = [{"plugin": failure.plugin, "error": failure.error} for failure in registry.failures]
    if as_json:
        show_json({**found, "failures": failures})
        return
    for kind, entries in found.items():
        show_result(_listing(kind, entries))
    for failure in failures:
        note(f"plugin {failure['plugin']} was set aside: {failure['error']}")


def _describe(registry: Any, kind: str, name: str) -> dict[str, Any]:
    from mmbench.specs import bind

    entry = getattr(registry, kind)[name]
    component = entry.component
    if kind == "methods":
        params: dict[str, Any] = {"fusion": component.fusion, **component.encoders}
        summary = ""
    else:
        params = bind(component, {})
        summary = (component.__doc__ or "").strip().split("\n")[0]
    return {"name": name, "plugin": entry.plugin, "params": params, "summary": summary}


def _listing(kind: str, entries: list[dict[str, Any]]) -> Any:
    from rich.table import Table

    table = Table(title=kind, title_justify="left", title_style="bold", box=None, pad_edge=False, show_header=False)
    table.add_column("name", no_wrap=True)
    table.add_column("plugin", style="dim", no_wrap=True)
    table.add_column("parameters", overflow="fold")
    for entry in entries:
        table.add_row(entry["name"], entry["plugin"], ", ".join(_pairs(entry["params"])))
    return table


def _pairs(params: dict[str, Any]) -> Iterator[str]:
    for name, value in params.items():
        yield f"{name}={'none' if value is None else str(value).lower() if isinstance(value, bool) else value}"


def show(
    run: Annotated[Path, typer.Argument(help="A file or a folder that mmbench run or ablate printed.")],
    as_json: Json = False,
) -> None:
    """Show the tables of a finished run or ablation again."""
    from mmbench.ablation import AblationResult, is_ablation, load_ablation
    from mmbench.comparison import load_comparison
    from mmbench.report import ablation_tables, comparison_table

    if not run.exists():
        raise RecordError("no such file or folder", where=run, remedy="give the path that mmbench run printed")
    found = load_ablation(run) if is_ablation(run) else load_comparison(run)
    if as_json:
        show_json(found.to_json())
    elif isinstance(found, AblationResult):
        show_result(ablation_tables(found))
    else:
        show_result(comparison_table(found))


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs over the same splits.")],
    as_json: Json = False,
) -> None:
    """Put several runs into one table; refuses runs over different splits."""
    from mmbench.comparison import compare as side_by_side
    from mmbench.comparison import load_comparison
    from mmbench.report import comparison_table

    folders = []
    for run in runs:
        if not run.exists():
            raise RecordError("no such file or folder", where=run, remedy="give folders that mmbench run wrote")
        folders += [method.folder for method in load_comparison(run).methods]
    comparison = side_by_side(runs[0], list(dict.fromkeys(folders)))
    if as_json:
        show_json(comparison.to_json())
    else:
        show_result(comparison_table(comparison))


def check(
    plugin: Annotated[str, typer.Argument(help="A plugin that mmbench list shows, a module, or a file.")],
    data: Annotated[list[str] | None, typer.Option(help="DATASET=DIR for a dataset's files; may be repeated.")] = None,
    as_json: Json = False,
) -> None:
    """Run the conformance checks on every component of a plugin."""
    from dataclasses import asdict

    from mmbench.conformance import check_plugin
    from mmbench.plugins import load_registry
    from mmbench.prepare import default_cache

    roots = {name: Path(folder) for name, folder in parse_pairs(data or (), "--data").items()}
    with progress():
        module = load_registry().module(plugin) or plugin
        checks = list(check_plugin(module, roots=roots, cache=default_cache() / "data"))
        outcomes = [check.run() for check in track(checks, f"checking {plugin}")]
    failed = [outcome for outcome in outcomes if not outcome.ok]
    if as_json:
        show_json([asdict(outcome) for outcome in outcomes])
    else:
        for outcome in outcomes:
            if outcome.skipped or not outcome.ok:
                word = "skipped" if outcome.skipped else "FAILED"
                show_result(Text(f"{word}: {outcome.subject}, {outcome.name}: {outcome.message}"))
        n_skipped = sum(outcome.skipped for outcome in outcomes)
        passed = len(outcomes) - len(failed) - n_skipped
        show_result(f"{plugin}: {passed} checks passed, {len(failed)} failed, {n_skipped} skipped")
    if failed:
        raise typer.Exit(1)
