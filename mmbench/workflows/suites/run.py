"""``mmbench suite run``: a comparison for each dataset of a suite, and the file that lists them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmbench.errors import DataError, RecordError, SpecError, UserError
from mmbench.registry import did_you_mean, join_list
from mmbench.storage import current_reporter, join_words, make_folder
from mmbench.workflows.arguments.components import ComponentNames
from mmbench.workflows.arguments.options import read_option
from mmbench.workflows.run import run_spec
from mmbench.workflows.suites.definition import Suite, find_changes, find_suites, load_suite
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


def suite(suite: str | Path, methods: Any, **options: Any) -> SuiteResult:
    """Compare ``methods`` on every dataset of a suite; ``print`` shows the table, mean ranks and tests.

    ``suite`` is the name of a suite of mmbench, such as ``quick-v1``, or the path of a TOML file. ``methods`` is a
    list of names or classes, or names separated by commas; verdicts are on the first. Results of earlier runs are
    reused. Raises UserError for what the user can fix. The options:

    - ``data``: folders of datasets by name; ``only``: names of the datasets to run; ``require_all``: a dataset that is
      not at hand is an error;
    - ``out`` (folder of records), ``cache``, ``device``, ``jobs``, ``cluster`` and ``plugins``, as for `run`.
    """
    for name in options:
        if name not in _OPTIONS:
            raise SpecError(f"no option {name!r}", where="suite", remedy=did_you_mean(name, _OPTIONS))
    found = {name: read_option(_OPTIONS[name], name, each) for name, each in options.items() if each is not None}
    names = ComponentNames(list(found.pop("plugins", ())))
    several = isinstance(methods, Iterable) and not isinstance(methods, str | type)
    texts = tuple(names.name_of("method", each) for each in methods) if several else (methods,)
    if not all(isinstance(each, str) for each in texts):
        raise SpecError(f"invalid value {methods!r:.60}", where="methods", remedy="write a list of names")
    return suite_spec(SuiteSpec(str(suite), texts, **found, plugins=tuple(names.plugins)))


_OPTIONS: Mapping[str, str] = {
    **{name: name for name in ("out", "cache", "device", "jobs", "cluster", "plugins")},
    "data": "save_encoders",
    "only": "units",
    "require_all": "stratify",
}
"""The options, each with the option of a run that is read in the same way."""


def suite_spec(spec: SuiteSpec) -> SuiteResult:
    """Run what the results of a suite lack; ``spec.methods`` may hold names separated by commas."""
    methods = spec.methods[0] if len(spec.methods) == 1 else spec.methods
    spec = replace(spec, methods=read_methods(methods, spec.plugins))
    found = load_suite(spec.suite)
    check_names(spec, found)
    check_version(found, spec.out)
    blank = SuiteFile(found.content(), found.digest, found.title, suite_command(spec, found), spec.methods, ())
    earlier = _read_earlier(blank.path_in(spec.out))
    planned = plan_suite(spec, found, {name: each.not_applicable for name, each in earlier.items()})
    if not earlier and not any(each.state == "ready" for each in planned):
        _report_absent(found, planned)
        raise DataError("no dataset can be run", where=found.label, remedy="provide the files of one, as said for each")
    make_folder(spec.out)
    path = blank.update(spec.out, [_list_planned(each) for each in planned])
    _report_absent(found, planned)
    for each in planned:
        if each.state == "ready":
            current_reporter().message(f"{found.label}: {each.dataset.name}")
            path = blank.update(spec.out, [_run_dataset(spec, each)])
    return load_suite_result(path)


def _report_absent(suite: Suite, planned: Sequence[PlannedDataset]) -> None:
    """Say in a line for each dataset that is not run why it is not."""
    for each in planned:
        if each.state not in ("ready", "not requested"):
            current_reporter().message(f"{suite.label}: {each.dataset.name} {each.state}: {each.reason}")


def suite_command(spec: SuiteSpec, suite: Suite) -> str:
    """The command without paths of this machine: DIR for folders of datasets, default folders otherwise."""
    words = ["mmbench", "suite", "run", suite.label if suite.label in find_suites() else suite.path.name]
    words += ["--methods", join_list(spec.methods)]
    words += [word for name in spec.data for word in ("--data", f"{name}=DIR")]
    words += [word for file in spec.plugins for word in ("--plugin", Path(file).name)]
    return join_words(words)


def check_version(suite: Suite, out: Path) -> None:
    """Raise SpecError if ``out`` holds results of the same version of the suite with another content.

    The file of a run that ended before its first result is removed: nothing could be confused with it.
    """
    for path in find_suite_files(out):
        try:
            file = read_suite_file(path)
        except RecordError:
            continue  # damaged, or of another program: it is no result of this suite that could be confused
        if file.label == suite.label and file.digest != suite.digest:
            if not any(each.comparison for each in file.datasets):
                path.unlink(missing_ok=True)
                continue
            changes = find_changes(file.content, suite.content())
            raise SpecError(
                f"{suite.label} changed since the results in {path.name}: {'; '.join(changes)}",
                where=suite.path,
                remedy=f"give it version {suite.version + 1}, or give --out another folder",
            )


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


def _run_dataset(spec: SuiteSpec, planned: PlannedDataset) -> ListedDataset:
    """Run the comparison of one dataset; an error is the reason of its row, and the others go on."""
    name, left_out = planned.dataset.name, planned.not_applicable
    try:
        comparison = run_spec(make_run(spec, planned.dataset, planned.methods))
    except UserError as error:
        return ListedDataset(name, "failed", error.line, "", left_out)
    path = comparison.path.relative_to(spec.out.resolve())
    return ListedDataset(name, "run", "", path.as_posix(), left_out)
