"""Notes on which comparison of a folder a command takes."""

from collections.abc import Iterable
from pathlib import Path

from mmbench.cli.output.console import note


def note_newest(paths: Iterable[Path]) -> None:
    """Say on stderr which comparison is taken of each folder that holds several."""
    from mmbench.results import find_comparison_files

    for path in paths:
        files = find_comparison_files(path) if path.is_dir() else []
        if len(files) > 1:
            others = ", ".join(file.name for file in files[1:])
            note(f"{path}: {files[0].name} is the newest of {len(files)} comparisons; the others: {others}")
