"""Retraining of a recorded fold, to verify the records of a leaderboard."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from mmbench.data import FOLDS_FILE, Preparation, Store, check_dataset_files, find_dataset_folder, prepare
from mmbench.execution import build_model, find_fold, read_rebuildable, rebuild_plan, run_job
from mmbench.features import Encoding, encode
from mmbench.integrity import check_size, find_machine
from mmbench.registry import Spec, load_registry, parse_spec
from mmbench.results import Record, read_record, record_path
from mmbench.workflows.request import RetrainOptions
from mmbench.workflows.rounding import RoundingCheck, measure_rounding

_CPU = torch.device("cpu")
_SAMPLES = ("ids", "labels", "units")
_TRAINED = ("logits", "scores", "epochs", "history")


@dataclass(frozen=True)
class RetrainedFold:
    """A retrained fold: the published record, the new one, and whether the prepared data are the same.

    ``rounding`` compares their difference with the effect of rounding; None if the records are equal, have different
    samples, or are of the same kind of machine, which gives the same bits.
    """

    published: Record
    retrained: Record
    is_same_data: bool = True
    rounding: RoundingCheck | None = None

    @property
    def is_same(self) -> bool:
        """Whether all results of the training are bitwise equal."""
        return not _differing(self.published, self.retrained)

    @property
    def is_alike(self) -> bool:
        """Whether the records agree up to rounding."""
        return self.is_same or (self.rounding is not None and self.rounding.is_within)

    @property
    def line(self) -> str:
        """The result in one line."""
        note = "" if self.is_same_data else " (its data were prepared by another version)"
        if self.is_same:
            return f"bitwise identical{note}"
        if self.rounding is None:
            return f"DIFFERENT: {_difference(self.published, self.retrained)}{note}"
        if self.rounding.excess:
            return f"DIFFERENT: {self.rounding.excess[0]}{note}"
        return f"{_within(self.rounding)}{note}"


def _difference(published: Record, retrained: Record) -> str:
    what = _differing(published, retrained)[0]
    if what in _SAMPLES:
        return f"its {what} differ from those of the data"
    changed = int((published.predictions != retrained.predictions).sum())
    predictions = f" ({changed} prediction{'' if changed == 1 else 's'} changed)" if what == "logits" else ""
    return f"its {what} differ{predictions}, but the record is of this kind of machine, where results are bitwise equal"


def _within(rounding: RoundingCheck) -> str:
    changed = f"{rounding.changed} prediction{'' if rounding.changed == 1 else 's'} changed"
    return (
        f"equal up to rounding of another machine: logits differ by {rounding.difference:.2g} of at most "
        f"{rounding.bound:.2g}, {changed}, up to {rounding.flips} by rounding alone"
    )


def _differing(one: Record, other: Record) -> list[str]:
    """Fields in which two records differ, without times."""
    return [name for name in (*_SAMPLES, *_TRAINED) if getattr(one, name) != getattr(other, name)]


def is_same_machine(published: Record, retrained: Record) -> bool:
    """Whether both records have the same processor, Python and packages, so that results are bitwise equal."""
    ours, theirs = ({**record.environment, "platform": None} for record in (published, retrained))
    return (
        "cpu" in ours
        and ours == theirs
        and published.run["device"] == "cpu"
        and published.run["torch"] == torch.__version__
    )


def retrain_fold(path: Path, options: RetrainOptions, out: Path) -> RetrainedFold:
    """Retrain the fold of a record with the parameters that its tuning chose; the new record is written to ``out``.

    If results differ and the record is of another kind of machine, more trainings measure the effect of rounding.
    Raises RecordError if the data lack samples of the fold or have other labels, DataError if they are missing.
    """
    published = replace(read_rebuildable(path), labels=())  # not in any frame while components are built
    store = _open_data(published, options)
    plan = rebuild_plan(published, out, store, _encode(published, store, options), options.plugins)
    check_size(str(plan.recipe.predictor), lambda: build_model(plan, store, published.seed), find_machine(_CPU, jobs=1))
    fold = find_fold(path.parent.parent / FOLDS_FILE, published.fold, store)
    target = record_path(out, published.fold, published.seed)
    run_job(plan, fold, published.seed, target, lambda _: None, published.tuning)
    repeated = RetrainedFold(read_rebuildable(path), read_record(target), store.key == published.run["prepared"])
    are_other_samples = any(getattr(repeated.published, name) != getattr(repeated.retrained, name) for name in _SAMPLES)
    is_exact = repeated.is_same_data and is_same_machine(published, repeated.retrained)
    if repeated.is_same or are_other_samples or is_exact:
        return repeated
    return replace(repeated, rounding=measure_rounding(plan, fold, repeated.published))


def _open_data(record: Record, options: RetrainOptions) -> Store:
    run, registry = record.run, load_registry(options.plugins)
    name = parse_spec(run["dataset"])
    root = find_dataset_folder(registry, name, options.data, options.cache)
    units = tuple(run["units"]) if run["units"] else None
    bad = "drop" if run["dropped"] or run.get("lost") else "error"
    check_dataset_files(registry.dataset(name), root, units, bad)
    return prepare(Preparation(name, root, options.cache, options.plugins, bad, units), jobs=options.jobs)


def _encode(record: Record, store: Store, options: RetrainOptions) -> dict[str, Path]:
    """Token files of the frozen encoders of a record."""
    run = record.run
    make = partial(Encoding, store.path, plugins=options.plugins, device="cpu", threads=run["threads"])
    return {
        name: encode(make(modality=name, encoder=Spec(encoder["name"], encoder["params"])), options.cache, options.jobs)
        for name, encoder in run["encoders"].items()
        if encoder["tokens"]
    }
