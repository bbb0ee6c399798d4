"""``mmbench tune``: hyperparameter tuning of a comparison without its final trainings."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Unpack

from mmbench.execution import Plan, tune_missing
from mmbench.registry import AUTO
from mmbench.results import Displayed, Failure, find_failures, make_all_failed_error
from mmbench.storage import mark_in_use, retry_on_damage
from mmbench.tuning import FoldTuning, read_tuning, storage_without_password, tuning_path
from mmbench.workflows.arguments.options import make_spec
from mmbench.workflows.arguments.signatures import RunOptions, with_run_options
from mmbench.workflows.experiment import Experiment, plan_experiment
from mmbench.workflows.request import RunSpec, n_jobs
from mmbench.workflows.resolve import check_request, resolve_request

DEFAULT_TRIALS = 20
"""Default number of tuning trials."""


@dataclass(frozen=True)
class MethodTuning:
    """Tuning of one method: results by fold, and ``settings``, its budget and search space."""

    name: str
    folder: Path
    settings: Mapping[str, Any]
    folds: tuple[FoldTuning, ...]
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, repr=False)
class TuningResult(Displayed):
    """Tuning of several methods, in the requested order; ``print`` shows its tables.

    ``storage`` is the URL of Optuna's studies without password; None: ``tuning.db`` next to the records. ``metric`` is
    the name, and ``metric_title`` the title, of the metric of all scores.
    """

    dataset: str
    protocol: str
    methods: tuple[MethodTuning, ...]
    storage: str | None
    metric: str = "balanced_accuracy"
    metric_title: str = "balanced accuracy"

    @property
    def summary(self) -> str:
        """Methods and data in one line."""
        return f"{', '.join(method.name for method in self.methods)} on {self.dataset}, protocol {self.protocol}"

    @property
    def failed(self) -> tuple[Failure, ...]:
        """Failed tunings of all methods."""
        return tuple(failure for method in self.methods for failure in method.failures)

    def to_json(self) -> dict[str, Any]:
        """All values, for JSON."""
        return {
            "dataset": self.dataset,
            "protocol": self.protocol,
            "storage": self.storage,
            "metric": self.metric,
            "methods": [
                {
                    "name": method.name,
                    "records": str(method.folder),
                    "settings": dict(method.settings),
                    "folds": [tuning.to_plain() for tuning in method.folds],
                    "failed": [asdict(failure) for failure in method.failures],
                }
                for method in self.methods
            ],
        }


@with_run_options
def tune(method: Any, dataset: Any, against: str | Sequence[Any] = AUTO, **options: Unpack[RunOptions]) -> TuningResult:
    """Tune ``method`` and the baselines ``against`` on ``dataset``, without final trainings.

    Options are those of `run`; ``tune`` is the number of tuning trials (default 20). `run` with the same options
    uses the chosen parameters. Raises UserError for invalid input.
    """
    return tune_spec(make_spec(method, dataset, against, options))


def tune_spec(spec: RunSpec) -> TuningResult:
    """Tune from a spec."""
    spec = replace(spec, tune=DEFAULT_TRIALS if spec.tune is None else spec.tune)
    request = check_request(resolve_request(spec))

    def tune_all() -> Experiment:
        experiment = plan_experiment(request)
        tune_missing(experiment.plans, experiment.setup.folds, n_jobs(request.spec), request.spec.cluster)
        return experiment

    with mark_in_use(request.spec.cache):
        experiment = retry_on_damage(tune_all)
    names = [fold.name for fold in experiment.setup.folds]
    methods = tuple(_read(plan, names) for plan in experiment.plans)
    if not any(method.folds for method in methods):
        raise make_all_failed_error({method.folder: method.failures for method in methods if method.failures})
    first = experiment.plans[0].run
    return TuningResult(
        first["dataset"],
        first["protocol"],
        methods,
        storage_without_password(request.spec.tune_storage) if request.spec.tune_storage else None,
        request.metric,
        experiment.plans[0].metric.title,
    )


def _read(plan: Plan, names: Sequence[str]) -> MethodTuning:
    paths = [tuning_path(plan.folder, name) for name in names]
    folds = tuple(read_tuning(path) for path in paths if path.exists())
    return MethodTuning(
        plan.recipe.label, plan.folder, plan.run["tuning"], folds, find_failures(plan.folder, kind="tuning")
    )
