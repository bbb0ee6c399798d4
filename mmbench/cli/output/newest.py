"""Notes on which comparison, or which results of a suite, of a folder a command takes."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from mmbench.cli.output.console import note


def note_newest(paths: Iterable[Path]) -> None:
    """Say on stderr which comparison is taken of each folder that holds several."""
    from mmbench.results import find_comparison_files

    for path in paths:
        _note(path, find_comparison_files(path) if path.is_dir() else [], "comparisons")


def note_newest_suite(path: Path) -> None:
    """Say on stderr which results of a suite are taken of a folder that holds several."""
    from mmbench.workflows import find_suite_files

    _note(path, find_suite_files(path) if path.is_dir() else [], "results of suites")


def note_suites(path: Path) -> None:
    """Say on stderr which command shows the newest results of a suite in a folder, where it holds some."""
    from mmbench.workflows import find_suite_files

    if path.is_dir() and (files := find_suite_files(path)):
        note(f"{path} has results of a suite: mmbench suite show {shlex.quote(str(files[0]))}")


def _note(path: Path, files: Sequence[Path], what: str) -> None:
    if len(files) > 1:
        others = ", ".join(file.name for file in files[1:])
        note(f"{path}: {files[0].name} is the newest of {len(files)} {what}; the others: {others}")
