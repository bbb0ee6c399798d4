"""Distinct names for the methods of a comparison."""

from collections.abc import Iterator, Sequence
from pathlib import Path


def make_distinct_names(names: Sequence[str], folders: Sequence[Path]) -> Iterator[str]:
    """The names; repeated ones are followed by the end of the run's folder, which depends on its settings."""
    taken: set[str] = set()
    for name, folder in zip(names, folders, strict=True):
        chosen, number = name, 1
        while chosen in taken:
            tail = folder.name.rsplit("-", 1)[-1]
            chosen, number = f"{name} {tail}" + (f" ({number})" if number > 1 else ""), number + 1
        taken.add(chosen)
        yield chosen
