"""Contract of estimators: tokens of all modalities to outputs, fitted without a network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmbench.contract.component import Component
from mmbench.contract.space import Distribution
from mmbench.contract.types import Task, TaskKind, TokenSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class EstimatorContext:
    """What an estimator may know besides its training samples.

    ``groups`` are codes ``(n,)`` of the training samples: those of the groups that the protocol keeps whole, for an
    inner cross-validation (`folds`). ``inputs`` has the token spec of each modality: its ``length`` is None where the
    number of tokens differs. ``seed`` seeds whatever is random. ``class_weights`` is that of `Training`.
    """

    task: Task
    groups: "NDArray[np.int64]"
    inputs: Mapping[str, TokenSpec]
    seed: int
    class_weights: bool = True

    def folds(self, n: int = 5) -> "list[tuple[NDArray[np.int64], NDArray[np.int64]]]":
        """Training and test rows of up to ``n`` inner folds that keep groups whole, for ``cv=`` of scikit-learn.

        Empty for a single group. Groups are assigned in random order, the next to the fold with the fewest samples.
        """
        import numpy as np

        codes, counts = np.unique(self.groups, return_counts=True)
        n = min(n, len(codes))
        if n < 2:
            return []
        sizes, fold_of = np.zeros(n), {}
        for at in np.random.default_rng(self.seed).permutation(len(codes)):
            fold_of[codes[at]] = int(sizes.argmin())
            sizes[fold_of[codes[at]]] += counts[at]
        of_row = np.array([fold_of[group] for group in self.groups])
        return [(np.flatnonzero(of_row != fold), np.flatnonzero(of_row == fold)) for fold in range(n)]


class Estimator(Component):
    """Fits and predicts without being a network, such as a pipeline of scikit-learn.

    It is built anew for each fold. The host passes the tokens of frozen encoders; absent instances, missing modalities
    and tokens beyond a length are NaN. Where lengths differ, T is that of the longest instance of a call. ``tasks``
    names the kinds of tasks that the estimator takes. Only the training part reaches `fit`. `SklearnEstimator` is one
    for any estimator of scikit-learn.
    """

    tasks: tuple[TaskKind, ...] = ("class", "labels", "values")

    @classmethod
    def tuned(cls, **params: object) -> Mapping[str, Distribution]:
        """The part of ``space`` that has an effect with these parameters."""
        return cls.space

    @classmethod
    def uses(cls, modalities: Sequence[str], **params: object) -> Sequence[str]:
        """Those of ``modalities`` that this estimator reads with these parameters; the others are not encoded."""
        return modalities

    def fit(
        self, x: "Mapping[str, NDArray[np.float32]]", target: "NDArray[np.generic]", context: EstimatorContext
    ) -> None:
        """Fit to the training part: tokens ``(n, K, T, D)`` by modality, and their targets.

        Targets are class indices ``(n,)``, or ``(n, L)`` 0 or 1 for each label, or ``(n, V)`` values.
        """
        raise NotImplementedError(f"{type(self).__name__}.fit")

    def predict(self, x: "Mapping[str, NDArray[np.float32]]") -> "NDArray[np.floating]":
        """Outputs ``(n, n_outputs)``: logarithms of class probabilities, logits of labels, or values."""
        raise NotImplementedError(f"{type(self).__name__}.predict")
