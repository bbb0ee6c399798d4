"""Contract of estimators: tokens of all modalities to outputs, fitted without a network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmbench.contract.component import Component
from mmbench.contract.types import Task, TaskKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class EstimatorContext:
    """What an estimator may know besides its training samples.

    ``groups`` are codes ``(n,)`` of the training samples: those of the groups that the protocol keeps whole, for an
    inner cross-validation. ``seed`` seeds whatever is random. ``class_weights`` is that of `Training`.
    """

    task: Task
    groups: "NDArray[np.int64]"
    seed: int
    class_weights: bool = True


class Estimator(Component):
    """Fits and predicts without being a network, such as a pipeline of scikit-learn.

    It is built anew for each fold. The host passes the tokens of frozen encoders; a modality that is missing in a
    sample, and tokens beyond a length, are NaN. ``task`` says what the outputs are, and ``tasks`` names the kinds of
    tasks that the estimator takes.
    """

    tasks: tuple[TaskKind, ...] = ("class", "labels", "values")

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
