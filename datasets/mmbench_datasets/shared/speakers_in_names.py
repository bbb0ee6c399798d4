"""Speakers and other fields in the names of files."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmbench_datasets.names import readable


def find_by_name(
    folder: Path, fields: re.Pattern[str], suffixes: Sequence[str], depth: int = 0
) -> dict[str, list[Path]]:
    """The files of a folder by the part of their names before the ending, where that matches ``fields`` as a whole.

    Files are searched up to ``depth`` folders down. Names are compared in capitals, endings in any case. Of files of
    one name, the first is that whose ending comes first in ``suffixes``, then the one that is the fewest folders down.
    DataError for a folder that may not be read.
    """
    found: dict[str, list[tuple[int, int, Path]]] = {}
    with readable(folder):
        paths = _walk(folder, depth)
    for path, level in paths:
        stem, suffix = path.stem.upper(), path.suffix.lower()
        if suffix in suffixes and fields.fullmatch(stem):
            found.setdefault(stem, []).append((suffixes.index(suffix), level, path))
    return {stem: [path for *_, path in sorted(found[stem])] for stem in sorted(found)}


def _walk(folder: Path, depth: int) -> list[tuple[Path, int]]:
    """The files of a folder, and how many folders down each is; hidden folders are not entered."""
    found = []
    for where, folders, names in os.walk(folder, onerror=_raise, followlinks=True) if folder.is_dir() else ():
        level = len(Path(where).relative_to(folder).parts)
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__"))) if level < depth else []
        found += [(Path(where) / name, level) for name in names]
    return found


def _raise(error: OSError) -> None:
    raise error


def read_fields(name: str, fields: re.Pattern[str]) -> Mapping[str, str]:
    """The named groups of ``fields`` in a name that it matches as a whole."""
    match = fields.fullmatch(name)
    assert match is not None, name
    return match.groupdict()
