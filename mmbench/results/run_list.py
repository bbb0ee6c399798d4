"""The comparisons, ablations and single runs under a folder, described without loading all of their records."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from mmbench.errors import RecordError
from mmbench.results.compatibility import check_run_list
from mmbench.results.failures import find_failures
from mmbench.results.records import Record, find_records, read_record
from mmbench.storage import check_printable, describe_parse_error, load_object

_DEPTH = 4  # folders below the one that is searched, as in leaderboards/DATASET/PROTOCOL/TASK/RUN


@dataclass(frozen=True)
class ListedRun:
    """A comparison, an ablation, a single run, or the runs of a folder that no file lists.

    ``path`` is the file or folder that ``mmbench show`` takes; ``written`` is when its newest file was written, in
    seconds since 1970. ``n_records`` of ``n_expected`` records are there; ``n_failed`` jobs failed.
    """

    kind: str
    path: Path
    methods: tuple[str, ...]
    dataset: str
    task: str
    protocol: str
    written: float
    n_records: int
    n_expected: int
    n_failed: int

    @property
    def is_complete(self) -> bool:
        """Whether every fold of every method has a record."""
        return self.n_records == self.n_expected

    def to_json(self) -> dict[str, Any]:
        """All values, for JSON; the time as in ISO 8601, UTC."""
        written = datetime.fromtimestamp(self.written, UTC).isoformat(timespec="seconds")
        return {**asdict(self), "path": str(self.path), "written": written, "complete": self.is_complete}


@dataclass(frozen=True)
class RunList:
    """The runs under a folder, the newest first; ``damaged`` are the files that cannot be read, with the reason."""

    runs: tuple[ListedRun, ...]
    damaged: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """All values, for JSON."""
        return {"runs": [run.to_json() for run in self.runs], "damaged": list(self.damaged)}


def find_comparison_files(folder: Path) -> list[Path]:
    """The files of comparisons in the folder of their runs, the newest first."""
    return sorted(folder.glob("comparison-*.json"), key=lambda path: (-path.stat().st_mtime_ns, path.name))


def needs_choice(path: Path) -> bool:
    """Whether a folder is neither that of a run, nor one whose comparison or runs can be shown as one table."""
    if not path.is_dir() or _is_run(path) or find_comparison_files(path):
        return False
    return any(path.glob("ablation-*.json")) or not any(map(_is_run, path.iterdir()))


def list_runs(folder: Path) -> RunList:
    """All comparisons and ablations under ``folder``, and the runs that none of these lists."""
    found: list[ListedRun] = []
    damaged: list[str] = []
    for home in _find_homes(folder):
        folders = {path.name: _RunFolder(path) for path in sorted(home.iterdir()) if _is_run(path)}
        listed: set[str] = set()
        for path in [*find_comparison_files(home), *sorted(home.glob("ablation-*.json"))]:
            try:
                names, seeds = _read_list(path)
                listed |= {*names}
                found.append(_describe(path, [folders[name] for name in names if name in folders], len(names), seeds))
            except RecordError as error:
                damaged.append(error.line)
        alone = [folders[name] for name in sorted(folders.keys() - listed)]
        # A folder without a list is shown as one table of its runs.
        groups = [(each.path, [each]) for each in alone] if listed else [(home, alone)]
        for path, runs in groups:
            try:
                found += [_describe(path, runs, len(runs), None)] if runs else []
            except RecordError as error:
                damaged.append(error.line)
    return RunList(tuple(sorted(found, key=lambda run: (-run.written, run.path))), tuple(damaged))


def _is_run(path: Path) -> bool:
    return path.is_dir() and (any(find_records(path)) or any(path.glob("failed-fold-*.json")))


def _find_homes(folder: Path) -> Iterator[Path]:
    """The folders that hold runs or files that list runs."""
    for name, folders, files in os.walk(folder):
        here = Path(name)
        if len(here.relative_to(folder).parts) >= _DEPTH:
            folders.clear()
        folders.sort()
        runs = [each for each in folders if _is_run(here / each)]
        if runs or any(file.startswith(("comparison-", "ablation-")) and file.endswith(".json") for file in files):
            yield here
        folders[:] = [each for each in folders if each not in runs]


@dataclass(frozen=True)
class _RunFolder:
    """The folder of a run; its records are counted by their names, and one of them is read."""

    path: Path

    @cached_property
    def record(self) -> Record | None:
        """The first record; None if there is none."""
        first = next(find_records(self.path), None)
        return None if first is None else read_record(first)

    @property
    def method(self) -> str:
        """The method as given on the command line."""
        if self.record:
            return str(self.record.run["method"])
        return find_failures(self.path)[0].method

    def seeds(self, seeds: int | None) -> list[int]:
        """The seed of each record, of all or the first ``seeds`` seeds."""
        found = [int(path.stem.rpartition("-")[2]) for path in find_records(self.path)]
        return [seed for seed in found if seeds is None or seed < seeds]


def _read_list(path: Path) -> tuple[list[str], int]:
    """The folders of runs that a comparison or an ablation lists, each once, and the number of seeds."""
    try:
        plain = load_object(path)
        names = plain["runs"] if "runs" in plain else [plain["default"], *_rows_of(plain["tables"])]
        check_run_list(names, plain["seeds"])
        check_printable(names)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordError(
            f"lists no runs ({describe_parse_error(error)})", where=path, remedy="run the same command again"
        ) from error
    return list(dict.fromkeys(names)), int(plain["seeds"])


def _rows_of(tables: Sequence[Mapping[str, Any]]) -> list[str]:
    return [row["run"] for table in tables for row in table["rows"] if row["run"]]


def _describe(path: Path, folders: Sequence[_RunFolder], n_runs: int, seeds: int | None) -> ListedRun:
    known = next((folder.record for folder in folders if folder.record), None)
    run: Mapping[str, Any] = known.run if known else {}
    found = [folder.seeds(seeds) for folder in folders]
    expected = n_runs * seeds if seeds else sum(len({*each}) or 1 for each in found)
    several = "runs" if len(folders) > 1 else "run"
    kind = path.name.partition("-")[0] if path.is_file() else several
    return ListedRun(
        kind=kind,
        path=path,
        methods=tuple(folder.method for folder in folders),
        dataset=str(run.get("dataset", "?")),
        task=str(run.get("task", "?")),
        protocol=str(run.get("protocol", "?")),
        written=max(each.stat().st_mtime for each in (path, *(folder.path for folder in folders))),
        n_records=sum(map(len, found)),
        n_expected=int(run.get("folds", 1)) * expected,
        n_failed=sum(len(find_failures(folder.path, seeds)) for folder in folders),
    )
