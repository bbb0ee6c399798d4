"""Which jobs are missing, and running them, in as many processes as asked."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from mmbench.errors import RecordError
from mmbench.jobs import Plan, run_job
from mmbench.progress import reporter
from mmbench.records import read_record, record_path
from mmbench.relay import Channel, Relay
from mmbench.splits import Fold
from mmbench.training import Epoch
from mmbench.trials import FoldTuning, Trial, read_tuning, tuning_path
from mmbench.tuning import tune_fold, tuned_plan, without_test
from mmbench.workers import in_processes


def run_missing(plans: Sequence[Plan], folds: Sequence[Fold], seeds: int, jobs: int) -> None:
    """Run every method on every fold with every seed, but for those whose records are there."""
    # Folds before methods: an interrupted comparison has compared something.
    wanted = [(plan, fold, seed) for seed in range(seeds) for fold in folds for plan in plans]
    missing = list(_missing(wanted))
    if len(missing) < len(wanted):
        reporter().message(f"{len(wanted) - len(missing)} of {len(wanted)} folds were done before")
    if not missing:
        return
    if plans[0].budget and plans[0].budget.scope == "once":
        # All folds wait for the first one's parameters.
        tune_missing(plans, folds, jobs)
    jobs = _n_processes(plans, jobs, len(missing))
    with Relay(jobs, len(missing), "folds") as relay:
        tasks = [(*job, _tuned_on(job[0], job[1], folds), relay.channel) for job in missing]
        for label in in_processes(jobs, run_one, tasks):
            relay.done(label)


def tune_missing(plans: Sequence[Plan], folds: Sequence[Fold], jobs: int) -> None:
    """Tune every method on every fold that its budget is for, and train no more than that."""
    wanted = {
        (at, part.name): (plan, part)
        for fold in folds
        for at, plan in enumerate(plans)
        if (part := _tuned_on(plan, fold, folds))
    }
    missing = [(plan, part) for plan, part in wanted.values() if not _is_tuned(plan, part)]
    if not missing:
        return
    jobs = _n_processes(plans, jobs, len(missing))
    with Relay(jobs, len(missing), "tunings") as relay:
        for label in in_processes(jobs, tune_one, [(*job, relay.channel) for job in missing]):
            relay.done(label)


def tuned_for(plan: Plan, fold: Fold, folds: Sequence[Fold]) -> Plan:
    """The plan with the parameters of ``fold``, chosen now or before; as it is where nothing is tuned.

    ``fold`` need not be among ``folds``: where only the first of these is tuned, it takes what that one chose.
    """
    part = _tuned_on(plan, fold, folds)
    if part is None:
        return plan
    tune_missing([plan], [part], jobs=1)
    return tuned_plan(plan, read_tuning(tuning_path(plan.folder, part.name)))


def _n_processes(plans: Sequence[Plan], jobs: int, n_missing: int) -> int:
    return 1 if plans[0].device.startswith("cuda") else min(jobs, n_missing)


def _missing(wanted: Sequence[tuple[Plan, Fold, int]]) -> Iterator[tuple[Plan, Fold, int, Path]]:
    for plan, fold, seed in wanted:
        path = record_path(plan.folder, fold.name, seed)
        if path.exists():
            try:
                read_record(path)
                continue
            except RecordError as error:
                reporter().message(f"done again: {error.message} ({path.name})")
        yield plan, fold, seed, path


def _tuned_on(plan: Plan, fold: Fold, folds: Sequence[Fold]) -> Fold | None:
    """Where the parameters of a fold are chosen, without what it tests; None where nothing is tuned."""
    if plan.budget is None:
        return None
    return without_test(folds[0] if plan.budget.scope == "once" else fold)


def _is_tuned(plan: Plan, part: Fold) -> bool:
    try:
        return bool(read_tuning(tuning_path(plan.folder, part.name)).trials)
    except RecordError:
        return False


def run_one(plan: Plan, fold: Fold, seed: int, path: Path, part: Fold | None, channel: Channel) -> str:
    """One job, telling its epochs to ``channel``; returns what it was. ``part`` is where it is tuned before."""
    label = f"{plan.recipe.label} · fold {fold.name}" + (f" · seed {seed}" if seed else "")
    tuning = _tune(plan, part, channel) if part else None
    if tuning:
        plan = tuned_plan(plan, tuning)
    run_job(plan, fold, seed, path, _teller(plan, label, channel), tuning.to_plain() if tuning else None)
    channel.put((label, 0, None))
    return label


def tune_one(plan: Plan, part: Fold, channel: Channel) -> str:
    """One tuning, telling its trials to ``channel``; returns what it was."""
    _tune(plan, part, channel)
    return f"{plan.recipe.label} · fold {part.name}"


def _tune(plan: Plan, part: Fold, channel: Channel) -> FoldTuning:
    assert plan.budget is not None
    label = f"{plan.recipe.label} · tuning fold {part.name}"
    tuning = tune_fold(plan, part, plan.budget, partial(_tell_trial, plan, label, channel))
    channel.put((label, 0, None))
    return tuning


def _tell_trial(plan: Plan, label: str, channel: Channel, number: int, what: Epoch | Trial) -> None:
    of_trial = f"{label} · trial {number}"
    if isinstance(what, Epoch):
        _teller(plan, of_trial, channel)(what)
        return
    assert plan.budget is not None
    channel.put((of_trial, 0, None))
    word = what.state if what.score is None else f"{what.state}, validation {what.score:.2f}"
    channel.put((label, plan.budget.trials, word))


def _teller(plan: Plan, label: str, channel: Channel) -> Callable[[Epoch], None]:
    epochs = plan.recipe.training.epochs
    return lambda epoch: channel.put((label, epochs, f"validation {epoch.validation_score:.2f}"))
