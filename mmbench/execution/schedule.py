"""Finds the jobs whose results are missing, and runs them in processes or on a cluster."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from joblib import cpu_count

from mmbench.data import Fold
from mmbench.errors import RecordError, WorkerError
from mmbench.execution.dask_cluster import ClusterNeeds, run_on_cluster
from mmbench.execution.job import run_job
from mmbench.execution.plan import Plan, call_components
from mmbench.execution.progress_relay import Channel, Relay
from mmbench.execution.tune_fold import tune_fold, tuned_plan, without_test
from mmbench.integrity import SendMessage
from mmbench.results import (
    Failure,
    concerns_one_job,
    delete_failure,
    make_failure,
    read_record,
    record_path,
    write_failure,
)
from mmbench.storage import counted, current_reporter, try_in_processes
from mmbench.training import Epoch
from mmbench.tuning import FoldTuning, TuningTrial, read_tuning, tuning_path


class Job(NamedTuple):
    """A method on a fold with a seed; ``path`` is where its result will lie."""

    plan: Plan
    fold: Fold
    seed: int
    path: Path

    @property
    def label(self) -> str:
        """Its name in progress bars and failures."""
        return f"{self.plan.recipe.label} · fold {self.fold.name}" + (f" · seed {self.seed}" if self.seed else "")


def run_missing(
    plans: Sequence[Plan], folds: Sequence[Fold], seeds: int, jobs: int, cluster: str | None = None
) -> None:
    """Run every method on every fold with every seed that has no record yet; tune before if there is a budget.

    A job that fails writes a failure in place of its record, and the others go on.
    """
    # Fold by fold: an interrupted comparison has compared its methods on some folds.
    wanted = [
        Job(plan, fold, seed, record_path(plan.folder, fold.name, seed))
        for seed in range(seeds)
        for fold in folds
        for plan in plans
    ]
    missing = [job for job in wanted if not _is_done(job)]
    if len(missing) < len(wanted):
        current_reporter().message(f"{len(wanted) - len(missing)} of {len(wanted)} folds have records and are kept")
    if not missing:
        return
    if plans[0].budget and plans[0].budget.scope == "once":
        # The other folds take the parameters of the first.
        tune_missing(plans, folds, jobs, cluster)
    run_jobs(run_one, [(job, _tuned_on(job.plan, job.fold, folds)) for job in missing], jobs, "folds", cluster)


def tune_missing(plans: Sequence[Plan], folds: Sequence[Fold], jobs: int, cluster: str | None = None) -> None:
    """Tune every method on every fold for which its budget is spent, and train nothing else."""
    wanted = {
        (at, part.name): Job(plan, part, 0, tuning_path(plan.folder, part.name))
        for fold in folds
        for at, plan in enumerate(plans)
        if (part := _tuned_on(plan, fold, folds))
    }
    missing = [(job,) for job in wanted.values() if not _is_tuned(job)]
    if missing:
        run_jobs(tune_one, missing, jobs, "tunings", cluster)


def tuned_for(plan: Plan, fold: Fold, folds: Sequence[Fold]) -> Plan:
    """The plan with the parameters tuned on ``fold``, now or before; unchanged if nothing is tuned.

    ``fold`` need not be among ``folds``: where only the first of these is tuned, its parameters are taken.
    """
    part = _tuned_on(plan, fold, folds)
    if part is None:
        return plan
    tune_missing([plan], [part], jobs=1)
    return tuned_plan(plan, read_tuning(tuning_path(plan.folder, part.name)))


def run_jobs(
    function: Callable[..., Failure | None],
    tasks: Sequence[tuple[Job, *tuple[object, ...]]],
    jobs: int,
    what: str,
    cluster: str | None = None,
) -> None:
    """Call ``function(job, *rest, channel)`` for each of ``tasks`` in processes or on a cluster.

    It returns the failure of a job, or None. A job whose process died counts as failed.
    """
    plan = tasks[0][0].plan
    jobs = 1 if cluster or plan.device.startswith("cuda") else min(jobs, len(tasks))
    _warn_if_oversubscribed(jobs, plan.threads)
    with Relay(jobs, len(tasks), what) as relay:
        if cluster:
            found = run_on_cluster(cluster, function, tasks, plan.threads, _cluster_needs(plan), relay.channel)
        else:
            found = try_in_processes(jobs, function, [(*task, relay.channel) for task in tasks], plan.threads)
        for at, failure in found:
            job = tasks[at][0]
            if isinstance(failure, WorkerError):
                failure = save_failure(job, failure)
            relay.channel.put((job.label, 0, None))
            relay.done(job.label)
            if failure:
                current_reporter().message(f"failed: {failure.line}")


def _cluster_needs(plan: Plan) -> ClusterNeeds:
    here = plan.budget is not None and not (plan.budget.storage or "").startswith("postgresql")
    return ClusterNeeds((plan.folder.parent, plan.store.parent), plan.plugins, alone=here)


def _warn_if_oversubscribed(jobs: int, threads: int) -> None:
    if jobs * threads > cpu_count():
        current_reporter().message(
            f"{jobs} jobs of {counted(threads, 'thread')} each on {counted(cpu_count(), 'core')} slow each other "
            "down: use fewer --jobs or --threads"
        )


def _is_done(job: Job) -> bool:
    try:
        read_record(job.path)
    except RecordError as error:
        if job.path.exists():
            current_reporter().message(f"trained again: {error.message} ({job.path.name})")
        return False
    return True


def _tuned_on(plan: Plan, fold: Fold, folds: Sequence[Fold]) -> Fold | None:
    """The fold, without its test part, on which the parameters of ``fold`` are tuned; None if nothing is tuned."""
    if plan.budget is None:
        return None
    return without_test(folds[0] if plan.budget.scope == "once" else fold)


def _is_tuned(job: Job) -> bool:
    try:
        return bool(read_tuning(job.path).trials)
    except RecordError:
        return False


def save_failure(job: Job, error: Exception) -> Failure:
    """Write a failure in place of the result of a job."""
    failure = make_failure(job.plan.recipe.label, job.fold.name, job.seed, error)
    write_failure(job.path, failure)
    return failure


@contextmanager
def catch_failure(job: Job) -> Iterator[list[Failure]]:
    """Catch an error of the block as the failure of this job alone; yields the list that it is appended to.

    Errors that the user has to fix, and those of plugins that break the rules, are raised: they end the run.
    """
    failures: list[Failure] = []
    try:
        yield failures
        delete_failure(job.path)
    except Exception as error:
        if not concerns_one_job(error):
            raise
        failures.append(save_failure(job, error))


def run_one(job: Job, part: Fold | None, channel: Channel) -> Failure | None:
    """Run one job, with its epochs sent to ``channel``; its parameters are tuned on ``part`` first."""
    return call_components(job.plan, _run_one, job, part, listen=channel.put)


def _run_one(send: SendMessage, job: Job, part: Fold | None) -> Failure | None:
    if _is_done(job):
        # A process that died wrote it before it could report.
        return None
    with catch_failure(job) as failures:
        plan, tuning = job.plan, _tune(job.plan, part, send) if part else None
        if tuning:
            plan = tuned_plan(plan, tuning)
        on_epoch = epoch_listener(plan, job.label, send)
        run_job(plan, job.fold, job.seed, job.path, on_epoch, tuning.to_plain() if tuning else None)
    return next(iter(failures), None)


def tune_one(job: Job, channel: Channel) -> Failure | None:
    """Run the tuning of one fold, with its tuning trials sent to ``channel``."""
    return call_components(job.plan, _tune_one, job, listen=channel.put)


def _tune_one(send: SendMessage, job: Job) -> Failure | None:
    with catch_failure(job) as failures:
        _tune(job.plan, job.fold, send)
    return next(iter(failures), None)


def _tune(plan: Plan, part: Fold, send: SendMessage) -> FoldTuning:
    assert plan.budget is not None
    label = f"{plan.recipe.label} · tuning fold {part.name}"
    tuning = tune_fold(plan, part, plan.budget, partial(_send_trial, plan, label, send))
    send((label, 0, None))
    return tuning


def _send_trial(plan: Plan, label: str, send: SendMessage, number: int, what: Epoch | TuningTrial) -> None:
    of_trial = f"{label} · tuning trial {number}"
    if isinstance(what, Epoch):
        epoch_listener(plan, of_trial, send)(what)
        return
    assert plan.budget is not None
    send((of_trial, 0, None))
    word = what.state if what.score is None else f"{what.state}, validation {_short(what.score)}"
    send((label, plan.budget.trials, word))


def epoch_listener(plan: Plan, label: str, send: SendMessage) -> Callable[[Epoch], None]:
    """A callback that sends the epochs of a training as progress notes."""
    epochs = plan.recipe.training.epochs
    return lambda epoch: send((label, epochs, f"validation {_short(epoch.validation_score)}"))


def _short(score: float) -> str:
    """A score with two decimals, or two digits where these would show nothing: 0.83, 12.40, 0.0031."""
    return f"{score:.2f}" if abs(score) >= 0.1 or score == 0 else f"{score:.2g}"
