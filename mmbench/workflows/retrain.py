"""A fold of a leaderboard trained again, from what its record says of it."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from mmbench.data import Preparation, Store, check_dataset_files, find_dataset_folder, prepare
from mmbench.execution import build_model, find_fold, read_made, recall_plan, run_job
from mmbench.features import Encoding, encode
from mmbench.integrity import check_size, find_machine
from mmbench.registry import Spec, load_registry, parse_spec
from mmbench.results import Record, read_record, record_path
from mmbench.workflows.rounding import RoundingCheck, measure_rounding

_CPU = torch.device("cpu")
_SAMPLES = ("ids", "labels", "units")
_TRAINED = ("logits", "scores", "epochs", "history")


@dataclass(frozen=True)
class RetrainOptions:
    """Where data are found and work is done: the dataset's files (None for its own), cache, processes, plugins."""

    data: Path | None
    cache: Path
    jobs: int
    plugins: tuple[str, ...] = ()


@dataclass(frozen=True)
class RetrainedFold:
    """A fold that was trained again: the record on the board, and the new one, of data prepared from the same or not.

    ``rounding`` tells how far the two are apart beside how far other rounding takes a training; None where they are the
    same, of other samples, or where the record is of this very kind of machine, on which nothing rounds differently.
    """

    told: Record
    found: Record
    is_same_data: bool = True
    rounding: RoundingCheck | None = None

    @property
    def is_same(self) -> bool:
        """Whether all that a training gives is the same, down to the last bit."""
        return not _differing(self.told, self.found)

    @property
    def is_alike(self) -> bool:
        """Whether the record is what this method gives, under other rounding at most."""
        return self.is_same or (self.rounding is not None and self.rounding.is_within)

    @property
    def line(self) -> str:
        """What came of it."""
        anew = "" if self.is_same_data else " (its data were prepared by another version)"
        if self.is_same:
            return f"the same bits{anew}"
        if self.rounding is None:
            return f"NOT THE SAME: {_difference(self.told, self.found)}{anew}"
        if self.rounding.excess:
            return f"NOT THE SAME: {self.rounding.excess[0]}{anew}"
        return f"{_within(self.rounding)}{anew}"


def _difference(told: Record, found: Record) -> str:
    what = _differing(told, found)[0]
    if what in _SAMPLES:
        return f"the {what} are not those of the data"
    changed = int((told.predictions != found.predictions).sum())
    predictions = f" ({changed} prediction{'' if changed == 1 else 's'} changed)" if what == "logits" else ""
    return f"other {what}{predictions}, though the record names this kind of machine, which gives the same bits"


def _within(rounding: RoundingCheck) -> str:
    changed = f"{rounding.changed} prediction{'' if rounding.changed == 1 else 's'} changed"
    return (
        f"within rounding of another machine: logits differ by {rounding.difference:.2g} of at most "
        f"{rounding.bound:.2g}, {changed}, up to {rounding.flips} by noise alone"
    )


def _differing(one: Record, other: Record) -> list[str]:
    """What two records of a training differ in that does not follow from the machine's speed."""
    return [name for name in (*_SAMPLES, *_TRAINED) if getattr(one, name) != getattr(other, name)]


def is_same_machine(told: Record, found: Record) -> bool:
    """Whether both records are of one kind of processor, Python and packages: then their bits are the same."""
    ours, theirs = ({**record.environment, "platform": None} for record in (told, found))
    return "cpu" in ours and ours == theirs and told.run["device"] == "cpu" and told.run["torch"] == torch.__version__


def retrain_fold(path: Path, place: RetrainOptions, out: Path) -> RetrainedFold:
    """Train the fold of a record again, with the parameters that its trials chose; the new record goes to ``out``.

    Where it differs and is of another kind of machine, it is trained some more times to measure what rounding does.
    Raises RecordError where the data lack samples of the fold or have other labels, DataError where they are not there.
    """
    told = replace(read_made(path), labels=())  # in no frame while the components are built
    store = _open_data(told, place)
    plan = recall_plan(told, out, store, _encode(told, store, place), place.plugins)
    check_size(str(plan.recipe.fusion), lambda: build_model(plan, store, told.seed), find_machine(_CPU, jobs=1))
    fold = find_fold(path.parent.parent / "folds.json", told.fold, store)
    target = record_path(out, told.fold, told.seed)
    run_job(plan, fold, told.seed, target, lambda _: None, told.tuning)
    repeated = RetrainedFold(read_made(path), read_record(target), store.key == told.run["prepared"])
    are_other_samples = any(getattr(repeated.told, name) != getattr(repeated.found, name) for name in _SAMPLES)
    is_exact = repeated.is_same_data and is_same_machine(told, repeated.found)
    if repeated.is_same or are_other_samples or is_exact:
        return repeated
    return replace(repeated, rounding=measure_rounding(plan, fold, repeated.told))


def _open_data(record: Record, place: RetrainOptions) -> Store:
    run, registry = record.run, load_registry(place.plugins)
    name = parse_spec(run["dataset"])
    root = find_dataset_folder(registry, name, place.data, place.cache)
    units = tuple(run["units"]) if run["units"] else None
    bad = "drop" if run["dropped"] or run.get("lost") else "error"
    check_dataset_files(registry.dataset(name), root, units, bad)
    return prepare(Preparation(name, root, place.cache, place.plugins, bad, units), jobs=place.jobs)


def _encode(record: Record, store: Store, place: RetrainOptions) -> dict[str, Path]:
    """The tokens of its frozen encoders."""
    run = record.run
    make = partial(Encoding, store.path, plugins=place.plugins, device="cpu", threads=run["threads"])
    return {
        name: encode(make(modality=name, encoder=Spec(encoder["name"], encoder["params"])), place.cache, place.jobs)
        for name, encoder in run["encoders"].items()
        if encoder["tokens"]
    }
