"""Results of an ablation: its tables, and how they are read from its file."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmbench.errors import JobError, RecordError
from mmbench.results import (
    Comparison,
    Displayed,
    Interval,
    MethodResult,
    check_run_list,
    compare,
    data_name,
    describe_failed,
    describe_failures,
    describe_method,
    describe_run,
    find_failures,
)
from mmbench.storage import check_printable, describe_parse_error, load_object


@dataclass(frozen=True)
class AblationRow:
    """One ``value`` of a parameter with its results, or the ``reason`` why it was not run."""

    value: str
    method: MethodResult | None
    reason: str = ""


@dataclass(frozen=True)
class AblationTable:
    """All values of one ``parameter``."""

    name: str
    parameter: str
    rows: tuple[AblationRow, ...]


@dataclass(frozen=True, repr=False)
class AblationResult(Displayed):
    """The tables of an ablation; ``print`` shows them.

    ``comparison`` holds every run once, the default first; ``path`` is the file that lists them.
    """

    path: Path
    comparison: Comparison
    tables: tuple[AblationTable, ...]

    @property
    def default(self) -> MethodResult:
        """The method with default values."""
        return self.comparison.methods[0]

    @property
    def summary(self) -> str:
        """The method, the parameters and the data in one line."""
        parameters = ", ".join(table.parameter for table in self.tables)
        run = self.comparison.run
        return f"{parameters} of {self.default.name} on {data_name(run)}"

    def to_rows(self) -> list[dict[str, Any]]:
        """A row for each value of each parameter, such as for ``pandas.DataFrame``, with its scores."""
        return [self._plain_row(table, row) for table in self.tables for row in table.rows]

    def _plain_row(self, table: AblationTable, row: AblationRow) -> dict[str, Any]:
        difference = self.difference(row)
        metric = self.comparison.metric
        plain: dict[str, Any] = {"parameter": table.parameter, "value": row.value, "reason": row.reason}
        for name in self.default.metrics:
            plain[name] = row.method.scores[name].mean if row.method else None
        for name in ("mean", "low", "high"):
            key = "difference" if name == "mean" else f"difference_{name}"
            plain[key] = getattr(difference[metric], name) if difference else None
        return plain

    def is_default(self, row: AblationRow) -> bool:
        """Whether a row is the default."""
        return row.method is not None and row.method.folder == self.default.folder

    def difference(self, row: AblationRow) -> Mapping[str, Interval] | None:
        """Scores of a row minus the default, with paired intervals; None for the default and rows without results."""
        return None if row.method is None or self.is_default(row) else row.method.difference(self.default)

    def to_json(self) -> dict[str, Any]:
        """All values of the tables and of the folds, for JSON."""
        return {
            **describe_run(self.comparison),
            "records": str(self.path),
            "default": self.default.name,
            "tables": [
                {"name": table.name, "parameter": table.parameter, "rows": [self._row_json(row) for row in table.rows]}
                for table in self.tables
            ],
            "methods": [describe_method(method) for method in self.comparison.methods],
            "failed": describe_failed(self.comparison),
        }

    def _row_json(self, row: AblationRow) -> dict[str, Any]:
        difference = self.difference(row)
        return {
            "value": row.value,
            "default": self.is_default(row),
            "method": row.method.name if row.method else None,
            "reason": row.reason,
            "difference": {name: asdict(interval) for name, interval in difference.items()} if difference else None,
        }


@dataclass(frozen=True)
class _ListedRow:
    value: str
    run: str | None
    reason: str


@dataclass(frozen=True)
class _ListedTable:
    name: str
    parameter: str
    rows: tuple[_ListedRow, ...]


@dataclass(frozen=True)
class _AblationFile:
    """The file of an ablation: runs by the names of their folders."""

    default: str
    seeds: int
    tables: tuple[_ListedTable, ...]

    @property
    def runs(self) -> list[str]:
        """Folders of all runs, each once, the default first."""
        return list(dict.fromkeys([self.default, *(row.run for table in self.tables for row in table.rows if row.run)]))


def is_ablation(path: Path) -> bool:
    """Whether a file holds an ablation."""
    try:
        return path.is_file() and "tables" in load_object(path)
    except (OSError, ValueError):
        return False


def load_ablation(path: Path) -> AblationResult:
    """Load an ablation from its file; raises RecordError if it is damaged."""
    try:
        plain = load_object(path)
        check_printable(plain)
        listed = _parse(plain)
    except (OSError, ValueError) as error:
        raise RecordError(
            f"is not an ablation ({describe_parse_error(error)})",
            where=path,
            remedy="give the path that mmbench ablate printed",
        ) from error
    comparison = compare(path, [path.parent / name for name in listed.runs], listed.seeds)
    methods = {method.folder.name: method for method in comparison.methods}
    tables = tuple(
        AblationTable(table.name, table.parameter, tuple(_read_row(path.parent, row, methods) for row in table.rows))
        for table in listed.tables
    )
    if comparison.headless:
        raise JobError(
            f"the default method failed: {describe_failures(next(iter(comparison.lost.values())))}",
            where=path,
            remedy="fix the cause and run the same command again: the other rows are kept",
        )
    return AblationResult(path, comparison, tables)


def _parse(plain: Mapping[str, Any]) -> _AblationFile:
    from pydantic import TypeAdapter

    listed = TypeAdapter(_AblationFile).validate_python(plain)
    check_run_list(listed.runs, listed.seeds)
    return listed


def _read_row(home: Path, row: _ListedRow, methods: Mapping[str, MethodResult]) -> AblationRow:
    method = methods.get(row.run) if row.run else None
    lost = find_failures(home / row.run) if row.run and not method else ()
    return AblationRow(row.value, method, describe_failures(lost) if lost else row.reason)
