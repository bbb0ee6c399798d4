"""``mmbench check``: conformance of a plugin, lint of a method."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmbench.cli.help import DATA, METHODS
from mmbench.cli.options import Json, Plugins
from mmbench.cli.output.console import show, show_json, show_text
from mmbench.cli.output.progress import progress
from mmbench.errors import SpecError
from mmbench.registry import parse_pairs
from mmbench.storage import track

if TYPE_CHECKING:
    from mmbench.integrity import LintRequest


def check(
    what: Annotated[str, typer.Argument(help="Plugin of mmbench list, module, file, or method such as name[p=v].")],
    data: Annotated[
        list[str] | None, typer.Option(help="DATASET=DIR for a dataset's files; may be repeated.", rich_help_panel=DATA)
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="With a method: the dataset whose modalities it gets.", rich_help_panel=DATA)
    ] = None,
    encoder: Annotated[
        list[str] | None,
        typer.Option(help="With a method: MODALITY=ENCODER; may be repeated.", rich_help_panel=METHODS),
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="With a method: a preset of it, or a TOML file.", rich_help_panel=METHODS)
    ] = None,
    plugin: Plugins = None,
    as_json: Json = False,
) -> None:
    """Check a plugin for conformance, or lint one method."""
    from mmbench.registry import load_registry, parse_spec

    registry = load_registry(tuple(plugin or ()))
    if Path(what).is_file() and not what.endswith(".py"):
        raise SpecError("is not a Python file", where=what, remedy="give a plugin file that ends in .py, or a method")
    is_method = registry.module(what) is None and not what.endswith(".py") and parse_spec(what).name in registry.methods
    if is_method:
        from mmbench.integrity import LintRequest

        ok = _lint(
            LintRequest(what, dataset, parse_pairs(encoder or (), "--encoder"), preset, tuple(plugin or ())), as_json
        )
    elif dataset or encoder or preset:
        raise SpecError(
            f"{what!r} is not a method, and only a method takes --dataset, --encoder and --preset",
            remedy="write mmbench check METHOD --dataset DATASET",
        )
    else:
        ok = _check_plugin(what, parse_pairs(data or (), "--data"), tuple(plugin or ()), as_json)
    if not ok:
        raise typer.Exit(1)


def _lint(question: "LintRequest", as_json: bool) -> bool:
    from dataclasses import asdict

    from mmbench.integrity import find_machine, lint_method
    from mmbench.registry import load_registry
    from mmbench.storage import counted
    from mmbench.training import choose_device

    findings = lint_method(load_registry(question.plugins), question, find_machine(choose_device("auto"), jobs=1))
    if as_json:
        show_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            show_text(f"{finding.check}: {finding}")
        where = question.dataset or "an example of a time series and a bag of images"
        count = counted(len(findings), "finding") if findings else "no findings"
        show_text(f"{question.method} on {where}: {count}")
    return not findings


def _check_plugin(plugin: str, folders: dict[str, str], beside: tuple[str, ...], as_json: bool) -> bool:
    from dataclasses import asdict

    from mmbench.conformance import check_plugin
    from mmbench.data import default_cache_folder
    from mmbench.registry import load_registry
    from mmbench.storage import counted

    roots = {name: Path(folder) for name, folder in folders.items()}
    with progress():
        module = load_registry().module(plugin) or plugin
        checks = list(check_plugin(module, roots=roots, cache=default_cache_folder() / "data", beside=beside))
        if not checks:
            raise SpecError(
                "registers no component", where=plugin, remedy="give the module that has its register_* hooks"
            )
        outcomes = [check.run() for check in track(checks, f"checking {plugin}")]
    failed = [outcome for outcome in outcomes if not outcome.ok]
    if as_json:
        show_json([asdict(outcome) for outcome in outcomes])
    else:
        for outcome in outcomes:
            if outcome.skipped or not outcome.ok:
                word = "skipped" if outcome.skipped else "FAILED"
                show_text(f"{word}: {outcome.subject}, {outcome.name}: {outcome.message}")
        n_skipped = sum(outcome.skipped for outcome in outcomes)
        passed = len(outcomes) - len(failed) - n_skipped
        show(f"{plugin}: {counted(passed, 'check')} passed, {len(failed)} failed, {n_skipped} skipped")
    return not failed
