"""Estimators of scikit-learn on tokens of frozen encoders: six models, three ways to fuse."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mmbench import Choice, Estimator, EstimatorContext, Float, Int, SklearnEstimator, SpecError, TokenSpec
from mmbench.builtin.arguments import at_least

Model = Literal["logistic", "svm", "forest", "boosting", "ridge", "knn"]
Arrays = Mapping[str, NDArray[np.float32]]
_TUNED: Mapping[str, tuple[str, ...]] = {
    "logistic": ("c",),
    "svm": ("c",),
    "forest": ("trees", "depth"),
    "boosting": ("trees", "rate"),
    "ridge": ("alpha",),
    "knn": ("k",),
}


class Sklearn(Estimator):
    """A model of scikit-learn; ``fuse`` is early (one model of all features), late (a model of each modality) or stack.

    Features and missing modalities are those of `mmbench.SklearnEstimator`. ``model``:

    - ``logistic``: logistic regression with inverse penalty ``c``; for classes and labels;
    - ``svm``: support vectors with a Gaussian kernel and penalty ``c``; values are standardised for it;
    - ``forest``: ``trees`` trees of at most ``depth`` levels (0: no limit);
    - ``boosting``: gradient boosting of ``trees`` trees on histograms with learning rate ``rate``;
    - ``ridge``: ridge regression with penalty ``alpha``, of +1 and -1 for classes and labels;
    - ``knn``: ``k`` nearest neighbours.

    Features are standardised first for all but trees. A modality with more than ``components`` features is then reduced
    to that many principal components of the training part (0: never). With ``late``, probabilities, logits of labels or
    values are averaged over the modalities that a sample has. With ``stack``, a logistic or ridge regression fuses the
    outputs of the models, which for the training part come from inner folds that keep groups whole.
    """

    name = "sklearn"
    space: ClassVar[Mapping[str, Float | Int | Choice]] = {
        "c": Float(1e-3, 1e2, log=True),
        "trees": Int(50, 500, log=True),
        "depth": Choice(0, 4, 8, 16),
        "rate": Float(1e-2, 0.5, log=True),
        "alpha": Float(1e-2, 1e4, log=True),
        "k": Int(1, 50, log=True),
    }
    conformance: ClassVar[Mapping[str, object]] = {"model": "knn", "fuse": "stack"}

    def __init__(
        self,
        *,
        model: Model = "logistic",
        fuse: Literal["early", "late", "stack"] = "early",
        c: float = 1.0,
        trees: int = 200,
        depth: int = 0,
        rate: float = 0.1,
        alpha: float = 1.0,
        k: int = 5,
        components: int = 512,
    ) -> None:
        at_least(1, trees=trees, k=k)
        at_least(0, depth=depth, components=components)
        for name, value in {"c": c, "rate": rate, "alpha": alpha}.items():
            if not value > 0:
                raise SpecError(f"is {value}", where=name, remedy="give a number above 0")
        self.fuse = fuse
        self.settings: dict[str, Any] = {
            "model": model, "c": c, "trees": trees, "depth": depth, "rate": rate, "alpha": alpha, "k": k,
            "components": components,
        }  # fmt: skip
        _import()

    @classmethod
    def tuned(cls, **params: object) -> Mapping[str, Float | Int | Choice]:
        """The space of the parameters that the model has."""
        return {name: cls.space[name] for name in _TUNED[str(params["model"])]}

    def fit(self, x: Arrays, target: NDArray[np.generic], context: EstimatorContext) -> None:
        """Fit to the training part."""
        if self.fuse == "early":
            self.whole = self._fit(x, target, context)
            return
        self.parts = {name: self._fit({name: x[name]}, target, context) for name in sorted(x)}
        if self.fuse == "stack":
            folds = context.folds()
            if not folds:
                raise SpecError(
                    "needs two groups or more in the training part for its inner folds",
                    where="fuse=stack",
                    remedy="use fuse=early or fuse=late, or another protocol",
                )
            made = {name: self._predict_inner({name: x[name]}, target, context, folds) for name in sorted(x)}
            outer = EstimatorContext(context.task, context.groups, _specs(made), context.seed, context.class_weights)
            self.outer = _Single(**{**self.settings, "model": "ridge" if context.task.kind == "values" else "logistic"})
            self.outer.fit(made, target, outer)

    def predict(self, x: Arrays) -> NDArray[np.floating]:
        """Outputs ``(n, n_outputs)``."""
        if self.fuse == "early":
            return self.whole.predict(x)
        outputs = {name: part.predict({name: x[name]}) for name, part in self.parts.items()}
        if self.fuse == "stack":
            return self.outer.predict({name: _as_tokens(each) for name, each in outputs.items()})
        here = np.stack([~np.isnan(x[name]).all(axis=(1, 2, 3)) for name in outputs])
        weights = np.where(here.any(axis=0), here, 1.0)[..., None]
        values = np.stack(list(outputs.values()))
        is_class = next(iter(self.parts.values())).kind == "class"
        mean = (weights * (np.exp(values) if is_class else values)).sum(axis=0) / weights.sum(axis=0)
        return np.asarray(np.log(mean) if is_class else mean)

    def _fit(self, x: Arrays, target: NDArray[np.generic], context: EstimatorContext) -> "_Single":
        single = _Single(**self.settings)
        single.fit(x, target, context)
        return single

    def _predict_inner(self, x: Arrays, target: NDArray[np.generic], context: EstimatorContext, folds: Any) -> Any:
        """The outputs ``(n, 1, 1, n_outputs)`` of models fitted without the group of each sample."""
        outputs = np.zeros((len(target), context.task.n_outputs))
        for train, test in folds:
            part = EstimatorContext(
                context.task, context.groups[train], context.inputs, context.seed, context.class_weights
            )
            single = self._fit({name: each[train] for name, each in x.items()}, target[train], part)
            outputs[test] = single.predict({name: each[test] for name, each in x.items()})
        return _as_tokens(outputs)


class _Single(SklearnEstimator):
    """One model on the features of some modalities."""

    name = "sklearn"

    def __init__(self, **settings: Any) -> None:
        self.settings = settings
        self.components = settings["components"]
        self.standardized = settings["model"] not in ("forest", "boosting")

    def make(self, context: EstimatorContext) -> Any:
        """The model."""
        return _make(self.settings, context)

    def fit(self, x: Arrays, target: NDArray[np.generic], context: EstimatorContext) -> None:
        """Fit to the training part, with ``k`` at most the number of its samples."""
        self.settings = {**self.settings, "k": min(self.settings["k"], max(1, len(target) // 2))}
        super().fit(x, target, context)


def _make(settings: Mapping[str, Any], context: EstimatorContext) -> Any:
    """A model, not fitted, of the kind of the task."""
    from sklearn import compose, ensemble, linear_model, neighbors, preprocessing, svm

    name, seed, depth = settings["model"], context.seed, settings["depth"] or None
    balance = "balanced" if context.class_weights else None
    boosted = {"max_iter": settings["trees"], "learning_rate": settings["rate"], "random_state": seed}
    trees = {"n_estimators": settings["trees"], "max_depth": depth, "random_state": seed}
    if context.task.kind == "values":
        if name == "logistic":
            raise SpecError(
                "logistic predicts classes and labels, but the task is of values",
                where="model",
                remedy="choose ridge, svm, forest, boosting or knn",
            )
        if name == "svm":
            scale = preprocessing.StandardScaler()
            return compose.TransformedTargetRegressor(svm.SVR(C=settings["c"]), transformer=scale)
        regressors = {
            "forest": lambda: ensemble.RandomForestRegressor(**trees),
            "boosting": lambda: ensemble.HistGradientBoostingRegressor(**boosted, early_stopping=False),
            "ridge": lambda: linear_model.Ridge(alpha=settings["alpha"]),
            "knn": lambda: neighbors.KNeighborsRegressor(settings["k"]),
        }
        return regressors[name]()
    classifiers = {
        "logistic": lambda: linear_model.LogisticRegression(C=settings["c"], max_iter=2000, class_weight=balance),
        "svm": lambda: svm.SVC(C=settings["c"], class_weight=balance),
        "forest": lambda: ensemble.RandomForestClassifier(**trees, class_weight=balance),
        "boosting": lambda: ensemble.HistGradientBoostingClassifier(
            **boosted, early_stopping=False, class_weight=balance
        ),
        "ridge": lambda: linear_model.RidgeClassifier(alpha=settings["alpha"], class_weight=balance),
        "knn": lambda: neighbors.KNeighborsClassifier(settings["k"]),
    }
    return classifiers[name]()


def _as_tokens(outputs: NDArray[np.floating]) -> Any:
    return outputs[:, None, None, :]  # float64: values such as dates differ in late digits


def _specs(arrays: Arrays) -> dict[str, TokenSpec]:
    return {name: TokenSpec(1, array.shape[-1]) for name, array in arrays.items()}


def _import() -> None:
    """Raise SpecError if scikit-learn is not installed."""
    try:
        import sklearn  # noqa: F401
    except ImportError as error:
        raise SpecError(
            "scikit-learn is not installed", where="estimator sklearn", remedy="pip install 'mmbench[sklearn]'"
        ) from error
