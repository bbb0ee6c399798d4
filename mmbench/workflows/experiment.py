"""The flow of an experiment: resolve the request, prepare, split, encode, tune, train, record, compare.

Each step takes a frozen value and returns the next: `RunSpec` → `Request` → `CheckedRequest` → `Store` → `Setup` (the
folds and what else all methods share) → a `Plan` for each method → a record for each fold and seed → `Comparison`.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

from mmbench.data import (
    FOLDS_FILE,
    Store,
    make_fold_file,
    missing_class_lines,
    prepare,
    source_digests,
    write_fold_file,
)
from mmbench.execution import Plan, Setup, make_plan, report_near_run, run_missing, tuned_for
from mmbench.integrity import check_not_trained_on, report_findings
from mmbench.registry import all_parameters, check_augmentation
from mmbench.results import Comparison, check_data_agreement, load_comparison
from mmbench.storage import (
    current_reporter,
    digest,
    make_folder,
    mark_in_use,
    record_messages,
    retry_on_damage,
    write_text,
)
from mmbench.workflows.claims.commands import portable_command
from mmbench.workflows.finished_runs import FinishedRun, StartedRun, note_finished_run
from mmbench.workflows.forecast import forecast_lines
from mmbench.workflows.request import RunSpec, n_jobs
from mmbench.workflows.resolve import CheckedRequest, check_request, resolve_request
from mmbench.workflows.reuse import comparison_key
from mmbench.workflows.save_encoder import Saving, save_encoders, unsaved
from mmbench.workflows.split import make_whole_fold, split_data


def run_unfinished(spec: RunSpec, started: StartedRun) -> Comparison:
    """Run what a comparison lacks, and note it as finished: from its options to the comparison of its records."""
    with record_messages() as lines:
        request = check_request(resolve_request(spec))
    experiment = run_experiment(request)
    comparison = compare_records(request, experiment.plans)
    prepared = experiment.setup.store.key
    note_finished_run(spec, started, FinishedRun(request.files, prepared, comparison, [*lines, *experiment.lines]))
    return comparison


def run_request(request: CheckedRequest) -> list[Plan]:
    """Run what is missing of a request (see `run_experiment`); returns the plans, whose records then exist."""
    return run_experiment(request).plans


@dataclass(frozen=True)
class Experiment:
    """A comparison that is ready to be tuned and trained: what its methods share, and the plan of each.

    ``lines`` were printed on the way.
    """

    setup: Setup
    plans: list[Plan]
    lines: Sequence[str] = ()


def run_experiment(request: CheckedRequest) -> Experiment:
    """Prepare, split, encode, tune and train what is missing.

    The cache is locked against cleaning meanwhile, and damaged files in it are created again.
    """
    with mark_in_use(request.spec.cache):
        return retry_on_damage(lambda: _run_experiment(request))


def _run_experiment(request: CheckedRequest) -> Experiment:
    with record_messages() as lines:
        experiment = replace(plan_experiment(request), lines=lines)
    plans, folds = experiment.plans, experiment.setup.folds
    missing = unsaved(request.spec.save_encoders, plans[0])
    run_missing(plans, folds, request.settings.seeds, n_jobs(request.spec), request.spec.cluster)
    if missing:
        whole = make_whole_fold(request, experiment.setup)
        plan = tuned_for(plans[0], whole, folds)
        save_encoders(Saving(missing, source_digests(request.files)), plan, whole)
    return experiment


def plan_experiment(request: CheckedRequest) -> Experiment:
    """Prepare, split and encode: everything but tuning and training."""
    report_findings(request.findings)
    experiment = split_and_encode(prepare_data(request), request)
    for plan in experiment.plans:
        report_near_run(plan)
    return experiment


def prepare_data(request: CheckedRequest) -> Store:
    """The prepared store of the dataset's files, made or found.

    Raises SpecError if a method may not be trained on them: its pretrained weights come from the same files.
    """
    plugins = request.spec.plugins
    check_augmentation(request.recipes[0], request.schema, plugins)
    for params in (params for recipe in request.recipes for params in all_parameters(recipe, plugins)):
        check_not_trained_on(params, lambda: source_digests(request.files))
    return prepare(request.files, jobs=n_jobs(request.spec))


def split_and_encode(store: Store, request: CheckedRequest) -> Experiment:
    """Split a prepared store, and encode what is frozen."""
    setup = split_data(request, store)
    return Experiment(setup, encode_methods(request, setup))


def encode_methods(request: CheckedRequest, setup: Setup) -> list[Plan]:
    """A plan for each method, with the tokens of its frozen encoders; the folds are written beside the records."""
    for line in _describe_unused(request):
        current_reporter().message(line)
    for line in setup.described.get("split_notes", ()):
        current_reporter().message(line)
    for line in missing_class_lines(setup.described["lacking"], len(setup.folds)):
        current_reporter().message(line)
    for line in forecast_lines(request, setup):
        current_reporter().message(line)
    make_folder(setup.home)
    plans = [make_plan(setup, recipe, request.findings[recipe.label]) for recipe in request.recipes]
    write_fold_file(setup.home / FOLDS_FILE, make_fold_file(setup.store.ids, setup.folds))
    return plans


def _describe_unused(request: CheckedRequest) -> Iterator[str]:
    """A line about a number of folds that the user sets and the protocol does not have."""
    protocol, folds = request.protocol, request.spec.folds
    if folds is not None and not protocol.counts_folds:
        yield f"folds={folds} does not apply to the protocol {protocol.name} ({protocol.summary})"


def compare_records(request: CheckedRequest, plans: Sequence[Plan]) -> Comparison:
    """Write which records are compared, and compare them; JobError if every job failed."""
    runs = {"runs": [plan.folder.name for plan in plans], "seeds": request.settings.seeds}
    path = plans[0].folder.parent / f"comparison-{digest(runs)[:10]}.json"
    key, command = asdict(comparison_key(request)), portable_command(request.spec)
    write_text(path, json.dumps({**runs, "asked": key, "command": command}))
    comparison = load_comparison(path)
    check_data_agreement(comparison, request.spec.cache)
    return comparison
