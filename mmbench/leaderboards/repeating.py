"""A fold of a leaderboard trained again, from what its record says of it."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from mmbench.features import Encoding, encode
from mmbench.jobs import run_job
from mmbench.lint import check_size, find_machine
from mmbench.plans import build_model
from mmbench.plugins import load_registry
from mmbench.prepare import Preparation, check_files, locate, prepare
from mmbench.records import Record, read_record, record_path
from mmbench.restoring import find_fold, read_made, recall_plan
from mmbench.specs import Spec, parse_spec
from mmbench.store import Store

_CPU = torch.device("cpu")


@dataclass(frozen=True)
class Place:
    """Where data are found and work is done: the dataset's files (None for its own), cache, processes, plugins."""

    data: Path | None
    cache: Path
    jobs: int
    plugins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Repeated:
    """A fold that was trained again: the record on the board, and the new one, of data prepared from the same or not.

    ``is_same`` where all logits are the same bits. Otherwise ``is_alike`` tells whether what each run got right that
    the other did not could be chance (McNemar's test, z below 3): other processors and versions round differently.
    """

    told: Record
    found: Record
    is_same_data: bool = True

    @property
    def is_same(self) -> bool:
        """Whether the logits are the same, down to the last bit."""
        return self.told.logits == self.found.logits

    @property
    def is_alike(self) -> bool:
        """Whether the two could be one method under other rounding."""
        labels = np.array(self.told.labels)
        ours, theirs = (record.predictions == labels for record in (self.told, self.found))
        better, worse = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
        return abs(better - worse) <= 3 * float(np.sqrt(better + worse))

    @property
    def line(self) -> str:
        """What came of it."""
        anew = "" if self.is_same_data else " (its data were prepared by another version)"
        if self.is_same:
            return f"the same bits{anew}"
        scores = [record.scores["chosen"]["balanced_accuracy"] for record in (self.told, self.found)]
        word = "as far as other rounding may lead" if self.is_alike else "NOT THE SAME"
        return f"balanced accuracy {scores[1]:.3f} where the board has {scores[0]:.3f}: {word}{anew}"


def repeat_fold(path: Path, place: Place, out: Path) -> Repeated:
    """Train the fold of a record again, with the parameters that its trials chose; the new record goes to ``out``.

    Raises RecordError where the data lack samples of the fold, DataError where they are not there.
    """
    told = replace(read_made(path), labels=())  # in no frame while the components are built
    store = _open_data(told, place)
    plan = recall_plan(told, out, store, _encode(told, store, place), place.plugins)
    check_size(str(plan.recipe.fusion), lambda: build_model(plan, store, told.seed), find_machine(_CPU, jobs=1))
    fold = find_fold(path.parent.parent / "folds.json", told.fold, store)
    target = record_path(out, told.fold, told.seed)
    run_job(plan, fold, told.seed, target, lambda _: None, told.tuning)
    return Repeated(read_made(path), read_record(target), store.key == told.run["prepared"])


def _open_data(record: Record, place: Place) -> Store:
    run, registry = record.run, load_registry(place.plugins)
    name = parse_spec(run["dataset"])
    root = locate(registry, name, place.data, place.cache)
    units = tuple(run["units"]) if run["units"] else None
    check_files(registry.dataset(name), root, units)
    bad = "drop" if run["dropped"] else "error"
    return prepare(Preparation(name, root, place.cache, place.plugins, bad, units), jobs=place.jobs)


def _encode(record: Record, store: Store, place: Place) -> dict[str, Path]:
    """The tokens of its frozen encoders."""
    run = record.run
    make = partial(Encoding, store.path, plugins=place.plugins, device="cpu", threads=run["threads"])
    return {
        name: encode(make(modality=name, encoder=Spec(encoder["name"], encoder["params"])), place.cache, place.jobs)
        for name, encoder in run["encoders"].items()
        if encoder["tokens"]
    }
