"""Which jobs are missing, and running them, in as many processes as asked."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmbench.errors import RecordError
from mmbench.jobs import Plan, run_job
from mmbench.progress import reporter
from mmbench.records import read_record, record_path
from mmbench.relay import Channel, Relay
from mmbench.splits import Fold
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
    jobs = 1 if plans[0].device.startswith("cuda") else min(jobs, len(missing))
    with Relay(jobs, len(missing), "folds") as relay:
        for label in in_processes(jobs, run_one, [(*job, relay.channel) for job in missing]):
            relay.done(label)


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


def run_one(plan: Plan, fold: Fold, seed: int, path: Path, channel: Channel) -> str:
    """One job, telling its epochs to ``channel``; returns what it was."""
    label = f"{plan.recipe.label} · fold {fold.name}" + (f" · seed {seed}" if seed else "")
    run_job(plan, fold, seed, path, lambda epoch: channel.put((label, plan.recipe.training.epochs, epoch)))
    channel.put((label, 0, None))
    return label
