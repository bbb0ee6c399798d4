"""Results of a suite: a file that lists the comparison of each dataset, and what is computed from these."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mmbench.errors import RecordError
from mmbench.results import Comparison, Displayed, Interval, describe_doubts, describe_missing, load_comparison
from mmbench.storage import check_printable, counted, describe_parse_error, digest, load_object, locked, write_text
from mmbench.workflows.suites.standings import Standings, VerdictCounts, count_verdicts, find_method, find_standings

_FILE = "suite-*.json"
_NOT_RUN = ("pending", "not requested", "not installed", "not at hand")
"""States of a dataset that a call did not run, or not yet."""


@dataclass(frozen=True)
class ListedDataset:
    """A dataset in the file of a suite's results.

    ``comparison`` is the path of its comparison, relative to the file; "" where there is none, for the ``reason``.
    ``state`` says in words whether it was run; ``not_applicable`` gives the reason for each method that does not apply.
    """

    name: str
    state: str
    reason: str
    comparison: str
    not_applicable: Mapping[str, str]


@dataclass(frozen=True)
class SuiteFile:
    """The file of a suite's results: what the suite says, its digest, the methods, and each dataset.

    ``command`` repeats the run, with DIR for folders of datasets.
    """

    content: Mapping[str, Any]
    digest: str
    title: str
    command: str
    methods: tuple[str, ...]
    datasets: tuple[ListedDataset, ...]

    @property
    def label(self) -> str:
        """Name and version of the suite."""
        return f"{self.content['name']}-v{self.content['version']}"

    def path_in(self, out: Path) -> Path:
        """The path under ``out``: one file for each suite and list of methods."""
        return out / f"suite-{self.label}-{digest(list(self.methods))[:10]}.json"

    def update(self, out: Path, datasets: Sequence[ListedDataset]) -> Path:
        """Write the file with ``datasets`` in place of those that it lists by these names; returns its path.

        What was run stays listed where it is not run now. Other processes may run other datasets meanwhile.
        """
        path = self.path_in(out)
        with locked(path):
            listed = {each.name: each for each in self._read(path)}
            done = {name for name, each in listed.items() if each.comparison}
            listed |= {each.name: each for each in datasets if each.name not in done or each.state not in _NOT_RUN}
            file = replace(self, datasets=tuple(listed[name] for name in self.content["datasets"] if name in listed))
            write_text(path, json.dumps(asdict(file), indent=1) + "\n")
        return path

    def _read(self, path: Path) -> Sequence[ListedDataset]:
        """The datasets in the file at a path; none where it is missing or damaged."""
        try:
            return read_suite_file(path).datasets
        except RecordError:
            return ()


@dataclass(frozen=True)
class Cell:
    """The score of a method on a dataset, or the ``reason`` why there is none."""

    score: Interval | None
    reason: str = ""


@dataclass(frozen=True)
class DatasetResult:
    """A dataset of a suite with its comparison; None where there is none, for the reason in ``listed``."""

    listed: ListedDataset
    settings: Mapping[str, Any]
    comparison: Comparison | None

    def cell(self, method: str) -> Cell:
        """The score of a method that has every fold, else the reason."""
        if self.comparison is None:
            return Cell(None, f"{self.listed.name} {_was(self.listed.state)}: {self.listed.reason}")
        if found := find_method(self.comparison, method):
            return Cell(found.score)
        if method in self.listed.not_applicable:
            return Cell(None, f"does not apply: {self.listed.not_applicable[method]}")
        lines = [line for line in describe_missing(self.comparison) if line.startswith(f"{method}: ")]
        undefined = f"its {self.comparison.metric_title} is not a number"
        return Cell(None, lines[0].removeprefix(f"{method}: ") if lines else undefined)


def _was(state: str) -> str:
    return state if state.startswith("no") else f"is {state}"


@dataclass(frozen=True, repr=False)
class SuiteResult(Displayed):
    """Results of methods on the datasets of a suite; ``print`` shows the table of `mmbench suite show`."""

    path: Path
    file: SuiteFile
    datasets: tuple[DatasetResult, ...]

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods in the requested order."""
        return self.file.methods

    @property
    def summary(self) -> str:
        """The suite, its methods and datasets in one line."""
        n_run = f"{len(self.comparisons)} of {counted(len(self.datasets), 'dataset')}"
        return f"{self.file.label}: {counted(len(self.methods), 'method')}, {n_run}; mmbench suite show {self.path}"

    @cached_property
    def comparisons(self) -> Mapping[str, Comparison]:
        """The comparisons by dataset, without datasets that have none."""
        return {each.listed.name: each.comparison for each in self.datasets if each.comparison is not None}

    @cached_property
    def standings(self) -> Standings:
        """Mean ranks over the datasets that were run."""
        return find_standings(self.methods, self.comparisons, self.file.digest)

    @cached_property
    def verdict_counts(self) -> list[VerdictCounts]:
        """Verdicts on the first method against each other one, counted over datasets."""
        return count_verdicts(self.methods, list(self.comparisons.values()))

    @property
    def failed(self) -> tuple[str, ...]:
        """Datasets that could not be run, or of which folds failed."""
        return tuple(
            each.listed.name
            for each in self.datasets
            if each.listed.state == "failed" or (each.comparison is not None and each.comparison.failed)
        )

    def missing(self) -> Iterator[tuple[str, str, str]]:
        """Method, dataset and reason of each score that is missing on a dataset that was run."""
        for each in self.datasets:
            for method in self.methods if each.comparison else ():
                if (cell := each.cell(method)).score is None:
                    yield method, each.listed.name, cell.reason

    def to_rows(self) -> list[dict[str, Any]]:
        """A row for each method and dataset with a score, such as for ``pandas.DataFrame``."""
        return [
            {
                "method": method,
                "dataset": each.listed.name,
                "metric": each.comparison.metric,
                "score": cell.score.mean,
                "low": cell.score.low,
                "high": cell.score.high,
            }
            for each in self.datasets
            if each.comparison
            for method in self.methods
            if (cell := each.cell(method)).score
        ]

    def to_json(self) -> dict[str, Any]:
        """All values of the tables, for JSON."""
        standings = self.standings
        return {
            "suite": self.file.label,
            "title": self.file.title,
            "digest": self.file.digest,
            "command": self.file.command,
            "content": dict(self.file.content),
            "methods": list(self.methods),
            "datasets": [self._dataset_json(each) for each in self.datasets],
            "standings": {**asdict(standings), "test": asdict(standings.test) if standings.test else None},
            "verdicts": [asdict(each) for each in self.verdict_counts],
            "failed": list(self.failed),
            "records": str(self.path),
        }

    def _dataset_json(self, each: DatasetResult) -> dict[str, Any]:
        comparison = each.comparison
        cells = {name: each.cell(name) for name in self.methods}
        return {
            **asdict(each.listed),
            "comparison": str(comparison.path) if comparison else None,
            "metric": comparison.metric if comparison else each.settings["metric"],
            "higher_is_better": comparison.higher_is_better if comparison else None,
            "unit": comparison.run["unit"] if comparison else None,
            "n_units": len(comparison.methods[0].units) if comparison else None,
            "doubts": describe_doubts(comparison) if comparison else None,
            "scores": {name: asdict(cell) for name, cell in cells.items()},
        }


def find_suite_files(folder: Path) -> list[Path]:
    """The files of results of suites in a folder, the newest first."""
    return sorted(folder.glob(_FILE), key=lambda path: (-path.stat().st_mtime_ns, path))


def is_suite_file(path: Path) -> bool:
    """Whether a path is that of a file of results of a suite, by its name."""
    return path.match(_FILE) and path.is_file()


def load_suite_result(path: Path | str) -> SuiteResult:
    """Load the results of a suite from their file, or from the newest file of a folder.

    Raises RecordError where there is none, and for a comparison that is missing or damaged.
    """
    path = Path(path)
    if path.is_dir():
        found = find_suite_files(path)
        if not found:
            raise RecordError(
                "holds no results of a suite", where=path, remedy="give the path that mmbench suite run printed"
            )
        path = found[0]
    file = read_suite_file(path)
    listed = {each.name: each.comparison for each in file.datasets if each.comparison}
    return make_suite_result(path, file, {name: load_comparison(path.parent / each) for name, each in listed.items()})


def make_suite_result(path: Path, file: SuiteFile, comparisons: Mapping[str, Comparison]) -> SuiteResult:
    """The results that a file lists; ``comparisons`` are those of its datasets, by name."""
    ordered = {name: _in_order(each, file.methods) for name, each in comparisons.items()}
    settings = file.content["datasets"]
    datasets = [DatasetResult(each, settings[each.name], ordered.get(each.name)) for each in file.datasets]
    return SuiteResult(path, file, tuple(datasets))


def _in_order(comparison: Comparison, methods: Sequence[str]) -> Comparison:
    """A folder of runs in the order of the suite's methods, with verdicts on the first, and other runs last."""
    if comparison.path.is_file():
        return comparison
    order = {name: at for at, name in enumerate(methods)}
    ordered = sorted(comparison.methods, key=lambda method: order.get(str(method.run["method"]), len(order)))
    return replace(comparison, methods=tuple(ordered), has_reference=True)


def read_suite_file(path: Path) -> SuiteFile:
    """The file at a path; RecordError if it is missing, damaged, or not a file of results of a suite.

    A comparison that it lists may be a folder of runs, as on leaderboards.
    """
    from pydantic import TypeAdapter

    try:
        plain = load_object(path)
        check_printable(plain)
        file = TypeAdapter(SuiteFile).validate_python(plain)
        if digest(file.content) != file.digest:
            raise ValueError("its digest is not that of its content")
        names = set(file.content["datasets"])
        if {each.name for each in file.datasets} != names or len(file.datasets) != len(names) or len(file.methods) < 2:
            raise ValueError("its datasets or methods are not those of a suite")
        if any(Path(each.comparison).is_absolute() or ".." in Path(each.comparison).parts for each in file.datasets):
            raise ValueError("a comparison lies outside of its folder")
        return file
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        missing = isinstance(error, FileNotFoundError)
        problem = "no such file or folder" if missing else f"is no file of a suite ({describe_parse_error(error)})"
        raise RecordError(problem, where=path, remedy="give the path that mmbench suite run printed") from error
