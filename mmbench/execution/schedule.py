"""Which jobs are missing, and running them, in as many processes as asked."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from joblib import cpu_count

from mmbench.data import Fold
from mmbench.errors import RecordError, WorkerError
from mmbench.execution.dask_cluster import Ground, attempt_on
from mmbench.execution.job import run_job
from mmbench.execution.plan import Plan, call
from mmbench.execution.progress_relay import Channel, Relay
from mmbench.execution.tune_fold import tune_fold, tuned_plan, without_test
from mmbench.integrity import Tell
from mmbench.results import (
    Failure,
    forget_failure,
    is_of_one_job,
    make_failure,
    read_record,
    record_path,
    write_failure,
)
from mmbench.storage import current_reporter, try_in_processes
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
        """What it is called while it runs."""
        return f"{self.plan.recipe.label} · fold {self.fold.name}" + (f" · seed {self.seed}" if self.seed else "")


def run_missing(
    plans: Sequence[Plan], folds: Sequence[Fold], seeds: int, jobs: int, cluster: str | None = None
) -> None:
    """Run every method on every fold with every seed, but for those whose records are there.

    A job that fails leaves a failure where its record would be, and the others go on.
    """
    # Folds before methods: an interrupted comparison has compared something.
    wanted = [
        Job(plan, fold, seed, record_path(plan.folder, fold.name, seed))
        for seed in range(seeds)
        for fold in folds
        for plan in plans
    ]
    missing = [job for job in wanted if not _is_done(job)]
    if len(missing) < len(wanted):
        current_reporter().message(f"{len(wanted) - len(missing)} of {len(wanted)} folds were done before")
    if not missing:
        return
    if plans[0].budget and plans[0].budget.scope == "once":
        # All folds wait for the first one's parameters.
        tune_missing(plans, folds, jobs, cluster)
    work_off(run_one, [(job, _tuned_on(job.plan, job.fold, folds)) for job in missing], jobs, "folds", cluster)


def tune_missing(plans: Sequence[Plan], folds: Sequence[Fold], jobs: int, cluster: str | None = None) -> None:
    """Tune every method on every fold that its budget is for, and train no more than that."""
    wanted = {
        (at, part.name): Job(plan, part, 0, tuning_path(plan.folder, part.name))
        for fold in folds
        for at, plan in enumerate(plans)
        if (part := _tuned_on(plan, fold, folds))
    }
    missing = [(job,) for job in wanted.values() if not _is_tuned(job)]
    if missing:
        work_off(tune_one, missing, jobs, "tunings", cluster)


def tuned_for(plan: Plan, fold: Fold, folds: Sequence[Fold]) -> Plan:
    """The plan with the parameters of ``fold``, chosen now or before; as it is where nothing is tuned.

    ``fold`` need not be among ``folds``: where only the first of these is tuned, it takes what that one chose.
    """
    part = _tuned_on(plan, fold, folds)
    if part is None:
        return plan
    tune_missing([plan], [part], jobs=1)
    return tuned_plan(plan, read_tuning(tuning_path(plan.folder, part.name)))


def work_off(
    function: Callable[..., Failure | None],
    tasks: Sequence[tuple[Job, *tuple[object, ...]]],
    jobs: int,
    what: str,
    cluster: str | None = None,
) -> None:
    """Do jobs in processes, or on a cluster: ``function`` is called with each, what goes with it and a channel.

    It returns why a job failed, None where it did not; one whose process died fails, too.
    """
    plan = tasks[0][0].plan
    jobs = 1 if cluster or plan.device.startswith("cuda") else min(jobs, len(tasks))
    _tell_crowd(jobs, plan.threads)
    with Relay(jobs, len(tasks), what) as relay:
        if cluster:
            found = attempt_on(cluster, function, tasks, plan.threads, _ground(plan), relay.channel)
        else:
            found = try_in_processes(jobs, function, [(*task, relay.channel) for task in tasks], plan.threads)
        for at, failure in found:
            job = tasks[at][0]
            if isinstance(failure, WorkerError):
                failure = fail(job, failure)
            relay.channel.put((job.label, 0, None))
            relay.done(job.label)
            if failure:
                current_reporter().message(f"failed: {failure.line}")


def _ground(plan: Plan) -> Ground:
    here = plan.budget is not None and not (plan.budget.storage or "").startswith("postgresql")
    return Ground((plan.folder.parent, plan.store.parent), plan.plugins, alone=here)


def _tell_crowd(jobs: int, threads: int) -> None:
    if jobs * threads > cpu_count():
        current_reporter().message(
            f"{jobs} jobs with {threads} thread(s) each on {cpu_count()} core(s) get in each other's way: "
            "ask for fewer --jobs or --threads"
        )


def _is_done(job: Job) -> bool:
    try:
        read_record(job.path)
    except RecordError as error:
        if job.path.exists():
            current_reporter().message(f"done again: {error.message} ({job.path.name})")
        return False
    return True


def _tuned_on(plan: Plan, fold: Fold, folds: Sequence[Fold]) -> Fold | None:
    """Where the parameters of a fold are chosen, without what it tests; None where nothing is tuned."""
    if plan.budget is None:
        return None
    return without_test(folds[0] if plan.budget.scope == "once" else fold)


def _is_tuned(job: Job) -> bool:
    try:
        return bool(read_tuning(job.path).trials)
    except RecordError:
        return False


def fail(job: Job, error: Exception) -> Failure:
    """Write down why a job failed."""
    failure = make_failure(job.plan.recipe.label, job.fold.name, job.seed, error)
    write_failure(job.path, failure)
    return failure


@contextmanager
def one_job(job: Job) -> Iterator[list[Failure]]:
    """What goes wrong in the block fails this job alone, and is in the list that the block is given.

    What the user has to mend, and a plugin that cheats, is raised: it ends the run.
    """
    failures: list[Failure] = []
    try:
        yield failures
        forget_failure(job.path)
    except Exception as error:
        if not is_of_one_job(error):
            raise
        failures.append(fail(job, error))


def run_one(job: Job, part: Fold | None, channel: Channel) -> Failure | None:
    """One job, telling its epochs to ``channel``. ``part`` is where it is tuned before."""
    return call(job.plan, _run_one, job, part, listen=channel.put)


def _run_one(tell: Tell, job: Job, part: Fold | None) -> Failure | None:
    if _is_done(job):
        # By a process that died before anyone heard of it.
        return None
    with one_job(job) as failures:
        plan, tuning = job.plan, _tune(job.plan, part, tell) if part else None
        if tuning:
            plan = tuned_plan(plan, tuning)
        on_epoch = teller(plan, job.label, tell)
        run_job(plan, job.fold, job.seed, job.path, on_epoch, tuning.to_plain() if tuning else None)
    return next(iter(failures), None)


def tune_one(job: Job, channel: Channel) -> Failure | None:
    """One tuning, telling its trials to ``channel``."""
    return call(job.plan, _tune_one, job, listen=channel.put)


def _tune_one(tell: Tell, job: Job) -> Failure | None:
    with one_job(job) as failures:
        _tune(job.plan, job.fold, tell)
    return next(iter(failures), None)


def _tune(plan: Plan, part: Fold, tell: Tell) -> FoldTuning:
    assert plan.budget is not None
    label = f"{plan.recipe.label} · tuning fold {part.name}"
    tuning = tune_fold(plan, part, plan.budget, partial(_tell_trial, plan, label, tell))
    tell((label, 0, None))
    return tuning


def _tell_trial(plan: Plan, label: str, tell: Tell, number: int, what: Epoch | TuningTrial) -> None:
    of_trial = f"{label} · trial {number}"
    if isinstance(what, Epoch):
        teller(plan, of_trial, tell)(what)
        return
    assert plan.budget is not None
    tell((of_trial, 0, None))
    word = what.state if what.score is None else f"{what.state}, validation {what.score:.2f}"
    tell((label, plan.budget.trials, word))


def teller(plan: Plan, label: str, tell: Tell) -> Callable[[Epoch], None]:
    """What tells the epochs of a training as notes of a channel."""
    epochs = plan.recipe.training.epochs
    return lambda epoch: tell((label, epochs, f"validation {epoch.validation_score:.2f}"))
