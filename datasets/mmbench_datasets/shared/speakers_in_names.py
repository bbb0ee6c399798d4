"""Speakers and other fields in the names of files."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from mmbench_datasets.names import list_files


def find_by_name(folder: Path, fields: re.Pattern[str], suffixes: Collection[str]) -> dict[str, Path]:
    """The files of a folder by the part of their names before the ending, where that matches ``fields`` as a whole.

    Names are those of ``fields``' publication, in capitals; endings may be in any case. Of files that differ only in
    their endings, the one whose ending comes first in ``suffixes`` is taken.
    """
    ranks = {suffix: rank for rank, suffix in enumerate(suffixes)}
    found: dict[str, Path] = {}
    for path in list_files(folder):
        stem, suffix = path.stem.upper(), path.suffix.lower()
        if suffix in ranks and fields.fullmatch(stem):
            other = found.get(stem)
            if other is None or ranks[suffix] < ranks[other.suffix.lower()]:
                found[stem] = path
    return found


def read_fields(name: str, fields: re.Pattern[str]) -> Mapping[str, str]:
    """The named groups of ``fields`` in a name that it matches as a whole."""
    match = fields.fullmatch(name)
    assert match is not None, name
    return match.groupdict()
