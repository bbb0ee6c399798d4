"""Names that tell the methods of a comparison apart."""

from collections.abc import Iterator, Sequence
from pathlib import Path


def make_distinct_names(names: Sequence[str], folders: Sequence[Path]) -> Iterator[str]:
    """Each name; where an earlier method has it, with the end of its run's folder, which differs with the settings."""
    taken: set[str] = set()
    for name, folder in zip(names, folders, strict=True):
        chosen, number = name, 1
        while chosen in taken:
            tail = folder.name.rsplit("-", 1)[-1]
            chosen, number = f"{name} {tail}" + (f" ({number})" if number > 1 else ""), number + 1
        taken.add(chosen)
        yield chosen
