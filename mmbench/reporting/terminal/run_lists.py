"""The list of runs under a folder for the terminal: what was run, when, and whether it is complete."""

from datetime import datetime
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from mmbench.reporting.terminal.layout import relative_path
from mmbench.reporting.terminal.limits import join_names
from mmbench.results import ListedRun, RunList
from mmbench.storage import counted

_NAMES = 6  # methods that are named


def run_list_text(found: RunList, folder: Path) -> RenderableType:
    """Each run with its data, state and methods, and the path for ``mmbench show``; the newest first."""
    parts: list[Text] = []
    for run in found.runs:
        kind = "" if run.kind == "comparison" else f"{run.kind} · "
        parts.append(Text(f"{kind}{run.dataset} · {run.task} · protocol {run.protocol}", style="bold"))
        parts += [Text(f"  {line}") for line in (_state(run), _methods(run))]
        parts.append(Text(f"  {relative_path(run.path)}", no_wrap=True, overflow="ignore"))
    parts += [Text(f"damaged: {line}", style="red") for line in found.damaged]
    ending = f"{folder}: {counted(len(found.runs), 'entry')}; mmbench show PATH prints one"
    return Group(*parts, Text(ending, style="dim"))


def _state(run: ListedRun) -> str:
    date = datetime.fromtimestamp(run.written).strftime("%Y-%m-%d %H:%M")
    missing = "complete" if run.is_complete else f"{run.n_expected - run.n_records} missing"
    failed = f", {run.n_failed} failed" if run.n_failed else ""
    return f"{date}, {counted(run.n_records, 'record')}, {missing}{failed}"


def _methods(run: ListedRun) -> str:
    more = len(run.methods) - _NAMES
    return join_names(run.methods[:_NAMES]) + (f" and {more} more" if more > 0 else "") or "no records"
