"""Overhead per fold, measured with a class-prior classifier and leave-one-subject-out on 20 people, against MOABB."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from timing import Contenders, Goal, Measured, ResultsDiffer, measure, missing

import mmbench
from mmbench.execution import job as jobs
from mmbench.execution.plan import build_model
from speed import trivial_plugin

NAME = "folds"
TITLE = "overhead a fold"
OURS, THEIRS, LOADED = "mmbench", "MOABB", "MOABB, spared loading the data"
BARE = "mmbench, without canaries, diagnosis, costs and kept weights"
UNIT = "ms a fold"
LIMIT = Goal("without canaries, diagnosis, costs and kept weights", BARE, THEIRS, UNIT)
GOALS = (Goal("at most a quarter of MOABB's", OURS, THEIRS, UNIT, most=0.25, limit=LIMIT),)


def available() -> str | None:
    return missing("moabb")


@contextmanager
def setup(folder: Path, quick: bool) -> Iterator[Contenders]:
    import moabb
    from moabb.datasets.fake import FakeDataset
    from moabb.paradigms import MotorImagery

    moabb.set_log_level("error")
    subjects = 4 if quick else 20
    dataset = FakeDataset(n_subjects=subjects, n_sessions=1, n_runs=1, duration=240, n_events=60, seed=1)
    paradigm = MotorImagery(n_classes=3, events=list(dataset.event_id), scorer="accuracy")
    x, y, about = paradigm.get_data(dataset)
    (folder / "data").mkdir()
    classes = sorted(set(y))
    np.savez(
        folder / "data" / trivial_plugin.FILE,
        x=(1e6 * x).astype(np.float32),
        y=np.searchsorted(classes, y),
        subjects=about["subject"].to_numpy(),
    )
    torch.set_num_threads(1)
    contenders = {
        OURS: lambda: per_fold(lambda: run(folder, x.shape[2]), subjects),
        BARE: lambda: per_fold(lambda: run_bare(folder, x.shape[2]), subjects),
        THEIRS: lambda: per_fold(lambda: evaluate(folder, paradigm, dataset), subjects),
        LOADED: lambda: per_fold(lambda: evaluate(folder, paradigm, dataset, (x, y, about)), subjects),
    }
    description = (
        f"{subjects} folds over {len(x)} simulated windows, a whole evaluation each: mmbench finds its prepared file, "
        "as in every run but the first; of its fold, canaries, diagnosis of two modalities, costs and kept weights are "
        "part"
    )
    yield Contenders(contenders, check, description)


def run(folder: Path, times: int, **options: Any) -> list[float]:
    """Accuracy of each fold; records are rewritten, prepared data are reused."""
    shutil.rmtree(folder / "runs", ignore_errors=True)
    compared = mmbench.run(
        "prior",
        f"fake[times={times}]",
        (),
        seeds=1,
        data=folder / "data",
        out=folder / "runs",
        cache=folder / "cache",
        plugins=(trivial_plugin.__file__,),
        protocol="loso",
        jobs=1,
        **options,
    )
    return [record.scores["chosen"]["accuracy"] for record in compared.methods[0].records]


def run_bare(folder: Path, times: int) -> list[float]:
    """The same without what MOABB does not do; mmbench always checks plugins."""
    with patch.object(jobs, "make_canaries", NoCanaries), patch.object(jobs, "_passes", lambda *_: []):
        return run(folder, times, weights="drop", diagnose="no")


class NoCanaries:
    """Builds the model as canaries do, without any check."""

    def __init__(self, plan: Any, store: Any, inputs: Any, fold: Any, labels: Any, seed: int) -> None:
        self.build = partial(build_model, plan, store, seed)

    def check_predictions(self, model: Any, fitted: Any) -> None:
        pass

    def check_rebuilt(self) -> None:
        pass


def evaluate(folder: Path, paradigm: Any, dataset: Any, loaded: Any = None) -> list[float]:
    """The same with MOABB, which loads the data for each evaluation unless ``loaded`` is given."""
    from moabb.evaluations import CrossSubjectEvaluation
    from sklearn.dummy import DummyClassifier
    from sklearn.pipeline import make_pipeline

    class Loaded(CrossSubjectEvaluation):  # type: ignore[misc]  # MOABB has no types
        def _load_data(self, *arguments: Any, **options: Any) -> Any:
            return loaded or super()._load_data(*arguments, **options)

    evaluation = Loaded(paradigm, [dataset], overwrite=True, hdf5_path=str(folder / "moabb"))
    results = evaluation.process({"prior": make_pipeline(DummyClassifier(strategy="prior"))})
    scores: list[float] = results["score"].tolist()
    return scores


def per_fold(work: Any, folds: int) -> Measured:
    done = measure(work)
    return Measured({UNIT: 1000 * done.figures["s"] / folds}, done.result)


def check(results: Mapping[str, Any]) -> None:
    """Check that the numbers of folds and their accuracies agree."""
    ours = sorted(results[OURS])
    for theirs in (sorted(results[other]) for other in (BARE, THEIRS, LOADED)):
        if len(ours) != len(theirs) or not np.allclose(ours, theirs, atol=1e-6):
            raise ResultsDiffer(f"accuracies {ours[:3]} and {theirs[:3]} of {len(ours)} and {len(theirs)} folds")
