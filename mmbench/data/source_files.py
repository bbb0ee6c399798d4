"""The source files of a dataset's units, and their digests, by which prepared data are found again."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from mmbench.contract import Dataset
from mmbench.data.dataset_files import reading_errors
from mmbench.errors import DataError
from mmbench.storage import FileDigests, map_in_threads, track


@dataclass(frozen=True)
class SourceFiles:
    """The files of each unit under the folder ``root``, and the name of each file: its path relative to ``root``."""

    root: Path
    by_unit: Mapping[str, Sequence[Path]]
    names: Mapping[Path, str]

    def are_files(self) -> bool:
        """Whether all are regular files, so that reading them ends: a pipe would wait for somebody to write."""
        return all(path.is_file() for path in self.names)

    def digests(self, cache: Path) -> dict[str, dict[str, str]]:
        """SHA-256 of each file by unit and name; those known in the folder ``cache`` are not read again.

        Raises DataError for a name that is not UTF-8 and a file that cannot be read.
        """
        self._check_names()
        known = FileDigests(cache / "digests.json")
        with reading_errors(self.root):
            found = {path: known.find(path) for path in self.names}
            new = [path for path, value in found.items() if value is None]
            found.update(zip(new, track(map_in_threads(known, new), "checking files", len(new)), strict=True))
        known.save()
        return {unit: {self.names[path]: str(found[path]) for path in paths} for unit, paths in self.by_unit.items()}

    def _check_names(self) -> None:
        for name in (*self.by_unit, *self.names.values()):
            try:
                name.encode()
            except UnicodeEncodeError:
                raise DataError("its name is not UTF-8", where=self.root / name, remedy="rename it") from None


def list_source_files(dataset: Dataset, root: Path, units: Sequence[str]) -> SourceFiles:
    """The source files of ``units``, sorted; raises DataError where the dataset cannot read what names them."""
    by_parts = attrgetter("parts")  # the order of paths, which compare themselves much slower
    with reading_errors(root):
        by_unit = {unit: sorted(dataset.sources(root, unit), key=by_parts) for unit in units}
    files = sorted({path for paths in by_unit.values() for path in paths}, key=by_parts)
    inside = f"{root}{os.sep}"
    names = {path: _relative_name(str(path), inside) or os.path.relpath(path, root) for path in files}
    return SourceFiles(root, by_unit, names)


def _relative_name(path: str, inside: str) -> str | None:
    """The path below a folder, without looking at the disk; None unless it begins with ``inside``."""
    return path.removeprefix(inside) if path.startswith(inside) and ".." not in path else None
