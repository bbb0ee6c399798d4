"""``mmbench data describe``."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from mmbench.cli.help import DATA
from mmbench.cli.options import Json
from mmbench.cli.output.console import note, show_json, show_text
from mmbench.errors import SpecError
from mmbench.registry import parse_pairs

_MOST = 10  # problems that are listed


def describe(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Folder or table to describe.")],
    target: Annotated[str, typer.Option(help="Column to predict.", rich_help_panel=DATA)] = "",
    task: Annotated[str, typer.Option(help="What the target is: class or values.", rich_help_panel=DATA)] = "",
    group: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=COLUMN or NAME=COLUMN:PATTERN that stays in one part, or none; may be repeated.",
            rich_help_panel=DATA,
        ),
    ] = None,
    split: Annotated[
        str, typer.Option(help="COLUMN or COLUMN:PATTERN of the official split.", rich_help_panel=DATA)
    ] = "",
    ignore: Annotated[
        list[str] | None, typer.Option(help="Column or file not to use; may be repeated.", rich_help_panel=DATA)
    ] = None,
    text: Annotated[
        list[str] | None, typer.Option(help="Column of free text; may be repeated.", rich_help_panel=DATA)
    ] = None,
    missing: Annotated[
        list[str] | None,
        typer.Option(help="Text of an empty cell, such as NA; '' if none is; may be repeated.", rich_help_panel=DATA),
    ] = None,
    in_order: Annotated[
        bool,
        typer.Option("--in-order", help="Match arrays without ids by the order of their rows.", rich_help_panel=DATA),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="File to write; default: beside the data.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing description.")] = False,
    as_json: Json = False,
) -> None:
    """Say what the files of a folder are, and write dataset.toml."""
    from mmbench.data import find_unread_lines
    from mmbench.registry import Spec, load_registry
    from mmbench.storage import write_text

    if task not in ("", "class", "values"):
        raise SpecError(f"invalid value {task!r}", where="--task", remedy="choose class or values")
    if not path.exists():
        raise SpecError("no such folder or file", where=path, remedy="give the path of your data")
    groups = None if group is None else {} if group == ["none"] else parse_pairs(group, "--group")
    dataset = load_registry().dataset(Spec("folder"))
    found = dataset.describe(
        path.resolve(),
        target=target,
        task=task,
        groups=groups,
        split=split,
        ignore=tuple(ignore or ()),
        text=tuple(text or ()),
        missing=None if missing is None else tuple(filter(None, missing)),
        in_order=in_order,
    )
    file = out or found.path
    if not found.questions:
        if file.exists() and not force:
            raise SpecError("already exists", where=file, remedy="add --force to replace it, or --out FILE")
        write_text(file, found.text)
    unread = () if found.questions else find_unread_lines(path.resolve(), [*found.files, file])
    _show(path, file, replace(found, lines=[*found.lines, *unread]), as_json)
    if found.questions or found.problems:
        raise typer.Exit(2)


def _show(path: Path, file: Path, found: Any, as_json: bool) -> None:
    """Print what was understood of ``path`` and written to ``file``, what is open and what a run refuses."""
    if as_json:
        problems = [asdict(problem) for problem in found.problems]
        known = {"lines": found.lines, "questions": found.questions, "problems": problems}
        show_json({**known, "path": str(file), "text": found.text})
        return
    for line in found.lines:
        show_text(line)
    for question, answer in found.questions:
        note(f"{question}: add {answer}" if answer.startswith("--") else f"{question}: {answer}")
    if not found.questions:
        show_text(f"written: {file}")
    for problem in found.problems[:_MOST]:
        note(f"a run refuses: {problem.path}: {problem.message} — {problem.remedy}")
    if len(found.problems) > _MOST:
        note(f"a run refuses {len(found.problems) - _MOST} more: mmbench data check {path}")
