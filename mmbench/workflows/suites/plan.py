"""Plan of a suite: the datasets that are installed and at hand, and the methods that apply to each."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from typing import Literal

from mmbench.data import find_dataset_folder
from mmbench.errors import DataError, SpecError, UserError
from mmbench.registry import describe_missing_distributions, did_you_mean, load_registry, parse_spec, similar_names
from mmbench.storage import SilentReporter, use_reporter
from mmbench.workflows.finished_runs import find_finished_run, start_run
from mmbench.workflows.suites.definition import Suite, SuiteDataset, find_suites, read_suite
from mmbench.workflows.suites.request import SuiteSpec, find_data, make_run

State = Literal["ready", "run", "not installed", "not at hand", "failed", "not requested", "no method applies"]
_PRIOR = "prior"


@dataclass(frozen=True)
class PlannedDataset:
    """A dataset of a suite and the ``methods`` that apply to it.

    ``state`` says whether it is run, ``reason`` why not. ``not_applicable`` gives the reason for each method that does
    not apply.
    """

    dataset: SuiteDataset
    state: State
    reason: str = ""
    methods: tuple[str, ...] = ()
    not_applicable: Mapping[str, str] = field(default_factory=dict)


def plan_suite(spec: SuiteSpec, suite: Suite, earlier: Mapping[str, Mapping[str, str]]) -> list[PlannedDataset]:
    """The state of every dataset, before anything is trained.

    ``earlier`` are the methods that did not apply to a dataset, with reasons, in a run of the same suite and methods;
    where its comparison is complete and unchanged, so are they.

    Raises UserError for a setting of the suite that does not apply to a dataset and for files that are damaged; with
    ``require_all`` for a dataset that is not installed or not at hand; SpecError for a method that applies nowhere.
    """
    planned = [_plan_dataset(spec, each, earlier.get(each.name)) for each in suite.datasets]
    absent = [each for each in planned if each.state in ("not installed", "not at hand")]
    if absent and spec.require_all:
        names = ", ".join(each.dataset.name for each in absent)
        verb = "is" if len(absent) == 1 else "are"
        raise DataError(
            f"{names} {verb} not installed or not at hand; {absent[0].dataset.name}: {absent[0].reason}",
            where="--require-all",
            remedy="provide every dataset of the suite, or leave --require-all out",
        )
    _check_methods_apply(spec.methods, planned)
    return planned


def _check_methods_apply(methods: Sequence[str], planned: Sequence[PlannedDataset]) -> None:
    """Raise SpecError where a method applies to no dataset that is at hand: probably it is misspelt."""
    reached = [each for each in planned if each.methods or each.not_applicable]
    for method in methods:
        if reached and not any(method in each.methods for each in reached):
            first = reached[0]
            raise SpecError(
                f"applies to none of {', '.join(each.dataset.name for each in reached)}; on {first.dataset.name}: "
                f"{first.not_applicable[method]}",
                where=f"--methods {method}",
                remedy="correct it, or leave it out",
            )


def _plan_dataset(spec: SuiteSpec, dataset: SuiteDataset, earlier: Mapping[str, str] | None) -> PlannedDataset:
    if spec.only and dataset.name not in spec.only:
        return PlannedDataset(dataset, "not requested", "left out by --only")
    if (reason := _find_not_installed(spec, dataset)) is not None:
        return PlannedDataset(dataset, "not installed", reason)
    if (reason := _find_not_at_hand(spec, dataset)) is not None:
        _check_dataset(spec, dataset, has_files=False)
        return PlannedDataset(dataset, "not at hand", reason)
    remaining = tuple(method for method in spec.methods if method not in (earlier or {}))
    if earlier is not None and _is_finished(spec, dataset, remaining):
        return PlannedDataset(dataset, "ready", "", remaining, earlier)
    _check_dataset(spec, dataset, has_files=True)
    methods, not_applicable = find_applicable(spec, dataset)
    if not methods:
        first, reason = next(iter(not_applicable.items()))
        return PlannedDataset(dataset, "no method applies", f"{first}: {reason}", (), not_applicable)
    return PlannedDataset(dataset, "ready", "", methods, not_applicable)


def _is_finished(spec: SuiteSpec, dataset: SuiteDataset, methods: Sequence[str]) -> bool:
    """Whether the comparison is complete, and neither its data nor any code changed since."""
    if not methods:
        return False
    run = make_run(spec, dataset, methods)
    with use_reporter(SilentReporter()):
        return find_finished_run(run, start_run(run)) is not None


def _check_dataset(spec: SuiteSpec, dataset: SuiteDataset, has_files: bool) -> None:
    """Raise UserError for a setting that does not apply to a dataset, and for files that are damaged.

    Without its files, only for settings that do not depend on them.
    """
    from mmbench.workflows.resolve import check_request, resolve_request  # imports torch

    registry = load_registry(spec.plugins)
    try:
        registry.find("metrics", dataset.metric)
        for encoder in dataset.encoders.values():
            registry.find("encoders", parse_spec(encoder).name)
        with nullcontext() if has_files else suppress(DataError):
            request = resolve_request(make_run(spec, dataset, [_PRIOR]))
            if has_files:
                check_request(request)
    except UserError as error:
        where = f"{dataset.name}: {error.where}" if error.where else dataset.name
        raise type(error)(error.message, where=where, remedy=error.remedy) from error


def _find_not_installed(spec: SuiteSpec, dataset: SuiteDataset) -> str | None:
    """Why a dataset is not installed, where a distribution of mmbench that is not installed may have it.

    Raises SpecError with a suggestion for any other name.
    """
    registry, name = load_registry(spec.plugins), parse_spec(dataset.spec).name
    try:
        registry.find("datasets", name)
    except SpecError as error:
        own = {parse_spec(each.spec).name for path in find_suites().values() for each in read_suite(path).datasets}
        known = {*registry.datasets, *own}
        missing = describe_missing_distributions()
        if missing and (name in own or not similar_names(name, sorted(known))):
            return f"no dataset {name!r}; {missing}"
        raise SpecError(error.message, where=dataset.name, remedy=did_you_mean(name, known)) from error
    return None


def _find_not_at_hand(spec: SuiteSpec, dataset: SuiteDataset) -> str | None:
    """Why the files of a dataset are not there and how to get them; a folder that the user gives must exist."""
    registry, name = load_registry(spec.plugins), parse_spec(dataset.spec)
    try:
        find_dataset_folder(registry, name, find_data(spec, dataset), spec.cache)
    except DataError:
        if find_data(spec, dataset) is not None:
            raise
        given, found = f"give its files with --data {dataset.name}=DIR", registry.dataset(name)
        # `data get` fetches the files, or says how to ask for them.
        is_known = found.download() is not None or found.card.request
        return f"{given}; to get them: mmbench data get {name.name} --to DIR" if is_known else given
    return None


def find_applicable(spec: SuiteSpec, dataset: SuiteDataset) -> tuple[tuple[str, ...], dict[str, str]]:
    """The methods that can be built for a dataset, in order, and the reason for each other one."""
    remaining, reasons = list(spec.methods), dict[str, str]()
    while remaining:
        error = _find_error(spec, dataset, remaining)
        if error is None:
            break
        culprit, reason = _find_culprit(spec, dataset, remaining, error)
        reasons[culprit] = reason
        remaining.remove(culprit)
    return tuple(remaining), {name: reasons[name] for name in spec.methods if name in reasons}


def _find_error(spec: SuiteSpec, dataset: SuiteDataset, methods: Sequence[str]) -> UserError | None:
    from mmbench.workflows.resolve import check_methods, resolve_request  # imports torch

    try:
        request = resolve_request(make_run(spec, dataset, methods))
        check_methods(request, request.recipes)
    except UserError as error:
        return error
    return None


def _find_culprit(spec: SuiteSpec, dataset: SuiteDataset, methods: Sequence[str], error: UserError) -> tuple[str, str]:
    """The first method that alone, or beside the first one, raises an error; raises ``error`` if there is none."""
    first, *others = methods
    for each in ([first], *([first, other] for other in others)):
        if (found := _find_error(spec, dataset, each)) is not None:
            is_named = found.where is None or found.where == each[-1]
            return each[-1], found.message if is_named else f"{found.where}: {found.message}"
    raise error
