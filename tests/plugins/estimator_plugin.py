"""Estimators of a plugin: a pipeline, centroids by hand, and some that break the rules."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmbench import Ablation, Choice, Estimator, EstimatorContext, Float, Method, SklearnEstimator, hookimpl


class Pipeline(SklearnEstimator):
    """Logistic regression."""

    name = "pipeline"
    tasks = ("class", "labels")
    space: ClassVar = {"c": Float(0.01, 100.0, log=True)}

    def __init__(self, *, c: float = 1.0) -> None:
        self.c = c

    def make(self, context: EstimatorContext) -> Any:
        return make_pipeline(StandardScaler(), LogisticRegression(C=self.c, max_iter=1000))


class Centroid(Estimator):
    """The class of the nearest mean; ``fault`` breaks a rule."""

    name = "centroid"
    tasks = ("class",)
    space: ClassVar = {"power": Choice(1, 2)}
    seen: ClassVar[list[int]] = []

    def __init__(self, *, power: int = 2, fault: str = "none") -> None:
        self.power, self.fault, self.count = power, fault, 0

    def fit(self, x: Any, target: Any, context: EstimatorContext) -> None:
        if self.fault == "raises":
            raise ValueError("an oversight\nin two lines")
        means = self._features(x)
        present = np.unique(target)
        self.centroids = np.stack(
            [
                means[target == label].mean(axis=0) if label in present else np.full(means.shape[1], 1e3)
                for label in range(context.task.n_outputs)
            ]
        )
        if self.fault == "remembers":
            self.centroids += len(Centroid.seen)
            Centroid.seen.append(len(target))

    def predict(self, x: Any) -> Any:
        features = self._features(x)
        if self.fault == "names":
            return ["yes"] * len(features)
        if self.fault == "counts":
            self.count += 1
            features = features + self.count
        if self.fault == "draws":
            features = features + np.random.default_rng().normal(size=features.shape)
        if self.fault == "batch":
            features = features - features.mean(axis=0)
        if self.fault == "opens":
            Path("folds.json").open().close()
        outputs = -(np.abs(features[:, None] - self.centroids) ** self.power).sum(axis=2)
        return outputs[:, :-1] if self.fault == "shape" else outputs * (np.nan if self.fault == "nan" else 1.0)

    def _features(self, x: Any) -> Any:
        return np.concatenate([np.nan_to_num(x[name]).mean(axis=(1, 2)) for name in sorted(x)], axis=1)


@hookimpl
def register_estimators(register: Callable[[type[Estimator]], None]) -> None:
    register(Pipeline)
    register(Centroid)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    register(Method("near", estimator="centroid", ablations=(Ablation("power", ({"power": 1}, {"power": 2})),)))
