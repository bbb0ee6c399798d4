"""``mmbench suite run``: a comparison for each dataset of a suite, and the file that lists them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmbench.errors import RecordError, SpecError, UserError
from mmbench.registry import split_list
from mmbench.storage import current_reporter, make_folder
from mmbench.workflows.run import run_spec
from mmbench.workflows.suites.definition import Suite, find_changes, load_suite
from mmbench.workflows.suites.plan import PlannedDataset, plan_suite
from mmbench.workflows.suites.request import SuiteSpec, check_names, make_run, read_methods
from mmbench.workflows.suites.results import (
    ListedDataset,
    SuiteFile,
    SuiteResult,
    find_suite_files,
    load_suite_result,
    read_suite_file,
)

_KEEPS_EARLIER = ("pending", "not requested", "not installed", "not at hand")
"""States of a dataset in which the comparison of an earlier run of the same suite and methods stays listed."""


def suite(suite: str | Path, methods: str | Sequence[str], **options: Any) -> SuiteResult:
    """Compare ``methods`` on every dataset of a suite; ``print`` shows the table, mean ranks and tests.

    ``suite`` is the name of a suite of mmbench, such as ``quick-v1``, or the path of a TOML file. ``methods`` is a
    list, or names separated by commas; verdicts are on the first. Results of earlier runs are reused. Raises UserError
    for what the user can fix. The options:

    - ``data``: folders of datasets by name; ``only``: names of the datasets to run; ``require_all``: a dataset that is
      not at hand is an error;
    - ``out`` (folder of records), ``cache``, ``device``, ``jobs``, ``cluster`` and ``plugins``, as for `run`.
    """
    known = set(SuiteSpec.__dataclass_fields__) - {"suite", "methods"}
    for name in options:
        if name not in known:
            raise SpecError(f"no option {name!r}", where="suite", remedy=f"choose from {', '.join(sorted(known))}")
    found = {name: value for name, value in options.items() if value is not None}
    for name in ("out", "cache"):
        if name in found:
            found[name] = Path(found[name]).expanduser()
    for name in ("only", "plugins"):
        if name in found:
            items = split_list(found[name]) if isinstance(found[name], str) else found[name]
            found[name] = tuple(map(str, items))
    data = found.get("data", {})
    if not isinstance(data, Mapping):
        raise SpecError(f"invalid value {data!r:.60}", where="option data", remedy='write data={"NAME": folder}')
    found["data"] = {str(name): Path(folder).expanduser() for name, folder in data.items()}
    texts = (methods,) if isinstance(methods, str) else tuple(methods)
    return suite_spec(SuiteSpec(str(suite), texts, **found))


def suite_spec(spec: SuiteSpec) -> SuiteResult:
    """Run what the results of a suite lack; ``spec.methods`` may hold names separated by commas."""
    methods = spec.methods[0] if len(spec.methods) == 1 else spec.methods
    spec = replace(spec, methods=read_methods(methods, spec.plugins))
    found = load_suite(spec.suite)
    check_names(spec, found)
    check_version(found, spec.out)
    blank = SuiteFile(found.content(), found.digest, found.title, spec.methods, ())
    earlier = _read_earlier(blank.path_in(spec.out))
    planned = plan_suite(spec, found, {name: each.not_applicable for name, each in earlier.items()})
    make_folder(spec.out)
    file = replace(blank, datasets=_merge(planned, earlier))
    path = file.write(spec.out)
    for each in planned:
        if each.state == "ready":
            current_reporter().message(f"{found.label}: {each.dataset.name}")
            file = _with_dataset(file, _run_dataset(spec, each))
            path = file.write(spec.out)
        elif each.state != "not requested":
            current_reporter().message(f"{found.label}: {each.dataset.name} {each.state}: {each.reason}")
    return load_suite_result(path)


def check_version(suite: Suite, out: Path) -> None:
    """Raise SpecError if ``out`` holds results of the same version of the suite with another content."""
    for path in find_suite_files(out):
        try:
            file = read_suite_file(path)
        except RecordError:
            continue  # damaged, or of another program: it is no result of this suite that could be confused
        if file.label == suite.label and file.digest != suite.digest:
            changes = find_changes(file.content, suite.content())
            raise SpecError(
                f"{suite.label} changed since the results in {path.name}: {'; '.join(changes)}",
                where=suite.path,
                remedy=f"give it version {suite.version + 1}, or give --out another folder",
            )


def _merge(planned: Sequence[PlannedDataset], earlier: Mapping[str, ListedDataset]) -> tuple[ListedDataset, ...]:
    """The datasets before the run: what is planned, and what earlier runs of the same suite and methods found."""
    listed = map(_list_planned, planned)
    return tuple(earlier.get(each.name, each) if each.state in _KEEPS_EARLIER else each for each in listed)


def _read_earlier(path: Path) -> dict[str, ListedDataset]:
    """Datasets with a comparison in the file of an earlier run."""
    try:
        file = read_suite_file(path)
    except RecordError:
        return {}
    return {each.name: each for each in file.datasets if each.comparison}


def _list_planned(each: PlannedDataset) -> ListedDataset:
    if each.state == "ready":
        return ListedDataset(each.dataset.name, "pending", "the suite was stopped before", "", each.not_applicable)
    return ListedDataset(each.dataset.name, each.state, each.reason, "", each.not_applicable)


def _with_dataset(file: SuiteFile, listed: ListedDataset) -> SuiteFile:
    datasets = tuple(listed if each.name == listed.name else each for each in file.datasets)
    return replace(file, datasets=datasets)


def _run_dataset(spec: SuiteSpec, planned: PlannedDataset) -> ListedDataset:
    """Run the comparison of one dataset; an error is the reason of its row, and the others go on."""
    name, left_out = planned.dataset.name, planned.not_applicable
    try:
        comparison = run_spec(make_run(spec, planned.dataset, planned.methods))
    except UserError as error:
        return ListedDataset(name, "failed", error.line, "", left_out)
    path = comparison.path.relative_to(spec.out.resolve())
    return ListedDataset(name, "run", "", path.as_posix(), left_out)
