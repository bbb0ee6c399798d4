"""Runs on three tasks of one dataset in memory, and tables of predictions over the same folds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import mmbench
from mmbench.workflows.predictions.folds import Folds

PLUGIN = str(Path(__file__).parents[2] / "plugins" / "tasks_plugin.py")
Columns = dict[str, list[Any]]


class Place(NamedTuple):
    """Folders of records and of caches, and how to call mmbench there."""

    out: Path
    cache: Path

    @property
    def options(self) -> dict[str, Any]:
        return {"cache": self.cache, "plugins": (PLUGIN,)}

    def folds(self, task: str = "level", out: Path | None = None, **options: Any) -> Folds:
        return mmbench.folds("three-tasks", out, task=task, folds=3, **self.options, **options)

    def score(self, predictions: Any, folds: Any, name: str = "mine", **options: Any) -> Any:
        return mmbench.score(predictions, folds, name, out=self.out, **self.options, **options)

    def run(self, task: str = "level") -> Any:
        settings: dict[str, Any] = {"training": {"epochs": 2}, "diagnose": "no", "weights": "drop", "jobs": 1}
        return mmbench.run(
            "concat", "three-tasks", ["prior"], task=task, folds=3, out=self.out, **settings, **self.options
        )


@pytest.fixture(scope="package")
def shared_place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Not to be written to: a finished run of one task."""
    home = tmp_path_factory.mktemp("elsewhere")
    place = Place(home / "runs", home / "cache")
    place.run()
    return place


@pytest.fixture
def place(shared_place: Place, tmp_path: Path) -> Place:
    """A folder of records of its own, over a shared cache."""
    return Place(tmp_path / "runs", shared_place.cache)


@pytest.fixture
def predict() -> Callable[..., Columns]:
    """Predictions that depend on the labels but for noise, as columns."""
    return predict_noisily


def predict_noisily(folds: Folds, noise: float = 1.0, seeds: int = 1, kind: str = "probabilities") -> Columns:
    """``folds`` have labels; the columns are those of ``kind``."""
    labels = {sample: label for of_fold in folds.labels.values() for sample, label in of_fold.items()}
    columns: Columns = {name: [] for name in ("id", "fold", "seed", *folds.names)}
    if kind == "labels":
        columns = {name: [] for name in ("id", "fold", "seed", "prediction")}
    for seed in range(seeds):
        random = np.random.default_rng(seed)
        for fold in folds.folds:
            for sample in fold["test"]:
                logits = random.normal(size=len(folds.names)) * noise
                logits[folds.names.index(labels[sample])] += 1
                rows = np.exp(logits) / np.exp(logits).sum() if kind == "probabilities" else logits
                cells = [folds.names[int(rows.argmax())]] if kind == "labels" else rows.tolist()
                for name, cell in zip(columns, [sample, fold["name"], seed, *cells], strict=True):
                    columns[name].append(cell)
    return columns
