"""The flow of a run: resolve the request, prepare, split, encode, tune, train, record, compare.

Each step takes a frozen value and returns the next: `RunSpec` → `Request` → `CheckedRequest` → `Store` → `Setup` (the
folds and what else all methods share) → a `Plan` for each method → a record for each fold and seed → `Comparison`.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Unpack

from mmbench.data import Store, missing_class_lines, prepare, source_digests
from mmbench.execution import Plan, Setup, make_plan, run_missing, tuned_for
from mmbench.integrity import check_not_trained_on, report_findings
from mmbench.registry import AUTO, all_parameters, check_augmentation
from mmbench.results import Comparison, check_data_agreement, load_comparison
from mmbench.storage import current_reporter, digest, make_folder, mark_in_use, retry_on_damage, write_text
from mmbench.workflows.arguments.options import make_spec
from mmbench.workflows.arguments.signatures import RunOptions, with_run_options
from mmbench.workflows.claims.commands import portable_command
from mmbench.workflows.forecast import forecast_lines
from mmbench.workflows.request import RunSpec, n_jobs
from mmbench.workflows.resolve import CheckedRequest, check_request, resolve_request
from mmbench.workflows.reuse import comparison_key
from mmbench.workflows.save_encoder import Saving, save_encoders, unsaved
from mmbench.workflows.split import folds_as_ids, make_whole_fold, split_data


@with_run_options
def run(method: Any, dataset: Any, against: str | Sequence[Any] = AUTO, **options: Unpack[RunOptions]) -> Comparison:
    """Run ``method`` and the baselines ``against`` on ``dataset``, and compare them; ``print`` shows the table.

    ``method`` is a name such as ``late`` or ``milmer[k=5]``, or a class that a plugin registers. ``dataset`` is a name,
    the path of a folder or table of your own (a `Path`, or a text with a separator), or data in memory (`from_arrays`,
    `from_frame`). ``against`` is a list, or names separated by commas; ``auto`` stands for concat, late, each single
    modality and prior, ``none`` for no baselines. Results of earlier runs are reused. Raises UserError for what the
    user can fix. None stands for the preset's value, else the default. The options:

    - data: ``protocol`` (``subject``, ``loso``, ``official``, ``group:NAME`` ...), ``folds`` (default 5), ``stratify``
      (classes balanced over parts), ``task``, ``metric``, ``standardize`` (``train``, ``subject``), ``units`` and
      ``modalities`` (those to use), ``data`` (folder of the dataset), ``bad`` (``error``, ``drop`` unusable samples);
    - methods: ``encoders`` (name by modality or kind), ``training`` (such as ``{"epochs": 5}``), ``trainer``
      (a name, or a class of a plugin), ``preset``, ``plugins`` (plugin files), ``seeds`` (their number, default 3);
    - tuning: ``tune`` (tuning trials per method and fold), ``tune_seconds`` (no new trial after this time),
      ``tune_scope`` (``fold``, ``once``: in the first fold), ``tune_storage`` (URL of a database);
    - execution: ``device`` (``auto``, ``cpu``, ``cuda``), ``jobs`` (processes; default: one per core), ``threads``
      (per process; results depend on it), ``cluster`` (address of a Dask scheduler), ``cache`` (folder of prepared
      data);
    - output: ``out`` (folder of records), ``weights`` (``auto``, ``keep``, ``drop``), ``save_encoders`` (file by
      modality), ``diagnose`` (``auto``, ``full``, ``no``).
    """
    return run_spec(make_spec(method, dataset, against, options))


def run_spec(spec: RunSpec) -> Comparison:
    """Run a comparison: the flow from its options to the comparison of its records."""
    request = check_request(resolve_request(spec))
    plans = run_request(request)
    return compare_records(request, plans)


def run_request(request: CheckedRequest) -> list[Plan]:
    """Prepare, split, encode, tune and train what is missing; returns the plans, whose records then exist.

    The cache is locked against cleaning meanwhile, and damaged files in it are created again.
    """
    with mark_in_use(request.spec.cache):
        return retry_on_damage(lambda: _run_request(request))


def _run_request(request: CheckedRequest) -> list[Plan]:
    experiment = plan_experiment(request)
    plans, folds = experiment.plans, experiment.setup.folds
    missing = unsaved(request.spec.save_encoders, plans[0])
    run_missing(plans, folds, request.settings.seeds, n_jobs(request.spec), request.spec.cluster)
    if missing:
        whole = make_whole_fold(request, experiment.setup)
        plan = tuned_for(plans[0], whole, folds)
        save_encoders(Saving(missing, source_digests(request.files)), plan, whole)
    return plans


@dataclass(frozen=True)
class Experiment:
    """A comparison that is ready to be tuned and trained: what its methods share, and the plan of each."""

    setup: Setup
    plans: list[Plan]


def plan_experiment(request: CheckedRequest) -> Experiment:
    """Prepare, split and encode: everything but tuning and training."""
    report_findings(request.findings)
    return split_and_encode(prepare_data(request), request)


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
    for line in setup.described.get("split_notes", ()):
        current_reporter().message(line)
    for line in missing_class_lines(setup.described["lacking"], len(setup.folds)):
        current_reporter().message(line)
    for line in forecast_lines(request, setup):
        current_reporter().message(line)
    make_folder(setup.home)
    plans = [make_plan(setup, recipe, request.findings[recipe.label]) for recipe in request.recipes]
    write_text(setup.home / "folds.json", json.dumps(folds_as_ids(setup)))
    return plans


def compare_records(request: CheckedRequest, plans: Sequence[Plan]) -> Comparison:
    """Write which records are compared, and compare them; JobError if every job failed."""
    runs = {"runs": [plan.folder.name for plan in plans], "seeds": request.settings.seeds}
    path = plans[0].folder.parent / f"comparison-{digest(runs)[:10]}.json"
    key, command = asdict(comparison_key(request)), portable_command(request.spec)
    write_text(path, json.dumps({**runs, "asked": key, "command": command}))
    comparison = load_comparison(path)
    check_data_agreement(comparison, request.spec.cache)
    return comparison
