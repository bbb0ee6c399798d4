"""Base class of estimators that are made with scikit-learn: features, missing modalities, outputs of each task."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Estimator, EstimatorContext, TokenSpec
from mmbench.errors import SpecError

_PARTS = 8  # of an instance of open length
_SMALLEST = float(np.finfo(np.float32).eps)  # probability below which logarithms are cut
_NO_VARIANCE = 1e-9  # of a component, relative to the first
_INNER = 3  # folds for the scale of decision values

Matrix = NDArray[np.float64]
Arrays = Mapping[str, NDArray[np.float32]]


class SklearnEstimator(Estimator):
    """An estimator or a pipeline of scikit-learn on the features of all modalities; subclasses implement `make`.

    Features ``(n, F)``: for each modality, in the order of names, its tokens averaged over the present instances of the
    bag and flattened; where lengths differ, the means of eight equal parts of each instance take the place of its
    tokens. What is missing becomes the mean of the training part, and a modality that is missing in some of its samples
    adds a column that is 1 where it is. The host has standardised tokens by the training part.

    With the attribute ``standardized``, each feature has mean 0 and variance 1 over the training part. A modality with
    more features than the attribute ``components`` (0: never) is then reduced to that many principal components of the
    training part, which keep their variances: scaled to 1 each, those of noise would count as much as the first.

    Outputs are logarithms of ``predict_proba``. Without that method they are decision values times a factor that is
    fitted on inner folds of whole groups, which leaves the predicted class unchanged. Several labels are fitted one by
    one; a class or a label of one value in the training part is a constant. `make` returns a regressor for values.
    """

    components: int = 0
    standardized: bool = False

    def make(self, context: EstimatorContext) -> Any:
        """A new estimator or pipeline, not fitted; ``cv=context.folds()`` keeps groups whole in an inner search."""
        raise NotImplementedError(f"{type(self).__name__}.make")

    def fit(self, x: Arrays, target: NDArray[np.generic], context: EstimatorContext) -> None:
        """Fit to the training part."""
        self.specs = context.inputs
        found = [_features(x[name], self.specs[name]) for name in sorted(x)]
        self.means = [_column_means(part) for part in found]
        self.gaps = [bool(np.isnan(part).all(axis=1).any()) for part in found]
        self.kind, self.n_outputs = context.task.kind, context.task.n_outputs
        filled = [np.where(np.isnan(part), mean, part) for part, mean in zip(found, self.means, strict=True)]
        self.scalers = [self._standardize(part) for part in filled]
        scaled = [each.transform(part) for each, part in zip(self.scalers, filled, strict=True)]
        self.reductions = [self._reduce(part, context) for part in scaled]
        self.gap_scalers = [self._standardize(_gap_column(part)) for part in found]
        features = self._fill(found)
        if self.kind == "values":
            self.fitted: Sequence[Any] = [_fit_values(self.make(context), features, target)]
        elif self.kind == "labels":
            self.fitted = [_Classifier(self, features, column, 2, context) for column in np.asarray(target).T]
        else:
            self.fitted = [_Classifier(self, features, np.asarray(target), self.n_outputs, context)]

    def predict(self, x: Arrays) -> Matrix:
        """Outputs ``(n, n_outputs)``."""
        features = self._fill([_features(x[name], self.specs[name]) for name in sorted(x)])
        if self.kind == "values":
            return np.asarray(self.fitted[0].predict(features), dtype=np.float64).reshape(len(features), -1)
        logs = [each.log_probabilities(features) for each in self.fitted]
        if self.kind == "labels":
            return np.stack([each[:, 1] - each[:, 0] for each in logs], axis=1)
        found: Matrix = logs[0]
        return found

    def _standardize(self, part: Matrix) -> Any:
        """The scaler of some columns, which leaves them as they are unless features are standardised."""
        from sklearn.preprocessing import StandardScaler

        return StandardScaler(with_mean=self.standardized, with_std=self.standardized).fit(part)

    def _reduce(self, part: Matrix, context: EstimatorContext) -> Any:
        """Principal components of the features of a modality; None where it has few enough."""
        if not self.components or part.shape[1] <= self.components:
            return None
        from sklearn.decomposition import PCA

        most = min(self.components, len(part))
        found = PCA(most, svd_solver="randomized", random_state=context.seed).fit(part)
        # Those without variance are rounding, which a pipeline that standardises would make large.
        n_kept = max(1, int((found.explained_variance_ > _NO_VARIANCE * found.explained_variance_[0]).sum()))
        return PCA(n_kept, svd_solver="randomized", random_state=context.seed).fit(part)

    def _fill(self, parts: Sequence[Matrix]) -> Matrix:
        """Features ``(n, F)`` without gaps."""
        columns: list[Matrix] = []
        for at, part in enumerate(parts):
            scaled: Matrix = self.scalers[at].transform(np.where(np.isnan(part), self.means[at], part))
            reduction = self.reductions[at]
            columns.append(scaled if reduction is None else reduction.transform(scaled))
            if self.gaps[at]:
                columns.append(self.gap_scalers[at].transform(_gap_column(part)))
        return np.concatenate(columns, axis=1)


def _gap_column(part: Matrix) -> Matrix:
    """A column ``(n, 1)`` that is 1 where a modality is missing."""
    column: Matrix = np.all(np.isnan(part), axis=1, keepdims=True).astype(np.float64)
    return column


class _Classifier:
    """A fitted classifier, and the factor of its decision values where it gives no probabilities."""

    def __init__(
        self,
        owner: SklearnEstimator,
        features: Matrix,
        target: NDArray[np.generic],
        n_classes: int,
        context: EstimatorContext,
    ) -> None:
        self.n_classes, self.factor = n_classes, 1.0
        self.classes = np.unique(target).astype(np.int64)
        self.model = None
        if len(self.classes) > 1:
            self.model = _checked(owner.make(context), context).fit(features, target)
            if not hasattr(self.model, "predict_proba"):
                self.factor = _find_factor(owner, features, target, self.classes, context)

    def log_probabilities(self, features: Matrix) -> Matrix:
        """Logarithms of probabilities ``(n, C)``; that of a class without training samples is the smallest."""
        outputs = np.full((len(features), self.n_classes), np.log(_SMALLEST))
        if self.model is None:
            outputs[:, self.classes] = 0.0
        elif hasattr(self.model, "predict_proba"):
            outputs[:, self.classes] = np.log(np.clip(self.model.predict_proba(features), _SMALLEST, 1.0))
        else:
            decisions = self.factor * _decisions(self.model, features)
            largest = decisions.max(axis=1, keepdims=True)
            shares = decisions - largest - np.log(np.exp(decisions - largest).sum(axis=1, keepdims=True))
            outputs[:, self.classes] = np.maximum(shares, np.log(_SMALLEST))
        return outputs


def _checked(model: Any, context: EstimatorContext) -> Any:
    if not (hasattr(model, "fit") and (hasattr(model, "predict_proba") or hasattr(model, "decision_function"))):
        raise SpecError(
            f"make() returns a {type(model).__name__} without predict_proba or decision_function, which a task of kind "
            f"{context.task.kind} needs",
            remedy="return a classifier with one of them, or name the kinds of tasks in the attribute tasks",
        )
    return model


def _fit_values(model: Any, features: Matrix, target: NDArray[np.generic]) -> Any:
    """A regressor fitted to ``(n,)`` for one target and to ``(n, V)`` for several, one by one where it takes one."""
    if hasattr(model, "predict_proba") or not hasattr(model, "predict"):
        raise SpecError(
            f"make() returns a {type(model).__name__}, which predicts no values",
            remedy="return a regressor, or name the kinds of tasks in the attribute tasks",
        )
    values = np.asarray(target, dtype=np.float64)
    if values.ndim > 1 and values.shape[1] == 1:
        return model.fit(features, values[:, 0])
    from sklearn.utils import get_tags

    if not get_tags(model).target_tags.multi_output:
        from sklearn.multioutput import MultiOutputRegressor

        model = MultiOutputRegressor(model)
    return model.fit(features, values)


def _decisions(model: Any, features: Matrix) -> Matrix:
    """Decision values ``(n, C)``; of two classes, 0 and the value."""
    found = np.asarray(model.decision_function(features), dtype=np.float64)
    return np.stack([np.zeros(len(found)), found], axis=1) if found.ndim == 1 else found


def _find_factor(
    owner: SklearnEstimator,
    features: Matrix,
    target: NDArray[np.generic],
    classes: NDArray[np.int64],
    context: EstimatorContext,
) -> float:
    """The factor of decision values with the smallest cross-entropy on inner folds; 1 where these lack classes."""
    from scipy.optimize import minimize_scalar

    decisions, labels = [], []
    for train, test in context.folds(_INNER):
        if len(np.unique(target[train])) == len(classes):
            decisions.append(_decisions(owner.make(context).fit(features[train], target[train]), features[test]))
            labels.append(np.searchsorted(classes, target[test]))
    if not decisions:
        return 1.0
    values, true = np.concatenate(decisions), np.concatenate(labels)

    def loss(log_factor: float) -> float:
        scaled = np.exp(log_factor) * (values - values.max(axis=1, keepdims=True))
        return float(np.mean(np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(len(true)), true]))

    return float(np.exp(minimize_scalar(loss, bounds=(-5.0, 5.0), method="bounded").x))


def _features(x: NDArray[np.float32], spec: TokenSpec) -> Matrix:
    """The features of a modality ``(n, T * D)``, or ``(n, 8 * D)`` where lengths differ; NaN where it is missing."""
    values = x.astype(np.float64)
    if spec.length is None:
        values = _means_of_parts(values)
    there = ~np.isnan(values)
    total, count = np.where(there, values, 0.0).sum(axis=1), there.sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).reshape(len(x), -1)


def _means_of_parts(x: Matrix) -> Matrix:
    """The means of equal parts of each instance, ``(n, K, 8, D)``; NaN without tokens."""
    there = ~np.isnan(x[..., 0])
    length, place = there.sum(axis=2)[..., None], np.arange(x.shape[2])
    filled, parts = np.nan_to_num(x), []
    for part in range(_PARTS):
        start, stop = part * length // _PARTS, -(-(part + 1) * length // _PARTS)
        within = ((place >= start) & (place < stop)).astype(np.float64)
        mean = np.einsum("nkt,nktd->nkd", within, filled) / np.maximum(within.sum(axis=2), 1)[..., None]
        parts.append(np.where(length > 0, mean, np.nan))
    return np.stack(parts, axis=2)


def _column_means(values: Matrix) -> Matrix:
    """Means of columns without NaN; 0 where all are NaN."""
    there = ~np.isnan(values)
    return np.asarray(np.where(there, values, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1))
