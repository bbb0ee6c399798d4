"""``mmbench ablate``: one run per value of a method's options, each compared with the default."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Unpack

from mmbench.errors import JobError, RecordError, SpecError
from mmbench.registry import join_list, split_list
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
from mmbench.storage import check_printable, describe_parse_error, digest, load_object, write_text
from mmbench.workflows.ablation_rows import AblationVariant, choose_tables, make_default, recipe_digest
from mmbench.workflows.arguments.options import make_spec
from mmbench.workflows.arguments.signatures import RunOptions, with_run_options
from mmbench.workflows.claims.commands import portable_command
from mmbench.workflows.request import RunSpec
from mmbench.workflows.resolve import check_request, resolve_request
from mmbench.workflows.run import run_request


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


@with_run_options
def ablate(method: Any, dataset: Any, only: str | Sequence[str] = (), **options: Unpack[RunOptions]) -> AblationResult:
    """Run ``method`` with each value of its declared ablations and each subset of modalities; ``only``: some tables.

    Arguments and options are those of `run`; with ``tune`` every row has the same budget, and parameters of the tables
    are not tuned. Results of earlier runs are reused. Raises UserError for invalid input.
    """
    return ablate_spec(make_spec(method, dataset, (), options), split_list(only) if isinstance(only, str) else only)


def ablate_spec(spec: RunSpec, only: Sequence[str] = ()) -> AblationResult:
    """Run an ablation from its spec."""
    if spec.against:
        raise SpecError("an ablation has no baselines", where="against", remedy="compare with baselines by mmbench run")
    request = resolve_request(spec)
    default = make_default(request)
    makers = choose_tables(request, default, only)
    request = check_request(replace(request, recipes=(default,)))
    findings = {**request.findings}
    tables = [make() for make in makers]
    # Recipes that compute the same are run once, under the first name.
    recipes = {recipe_digest(request, default): default}
    for table in tables:
        for row in table.rows:
            if row.recipe:
                recipes.setdefault(recipe_digest(request, row.recipe), row.recipe)
                findings.setdefault(row.recipe.label, row.findings)
    plans = run_request(replace(request, recipes=tuple(recipes.values()), findings=findings))
    folders = {key: plan.folder.name for key, plan in zip(recipes, plans, strict=True)}

    def describe_row(row: AblationVariant) -> dict[str, Any]:
        folder = folders[recipe_digest(request, row.recipe)] if row.recipe else None
        return {"value": row.value, "run": folder, "reason": row.reason}

    listed = {
        "default": plans[0].folder.name,
        "seeds": request.settings.seeds,
        "tables": [
            {"name": table.name, "parameter": table.parameter, "rows": [describe_row(row) for row in table.rows]}
            for table in tables
        ],
    }
    path = plans[0].folder.parent / f"ablation-{digest(listed)[:10]}.json"
    command = portable_command(spec, "ablate") + (f" --only {shlex.quote(join_list(only))}" if only else "")
    write_text(path, json.dumps({**listed, "command": command}))
    return load_ablation(path)


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
