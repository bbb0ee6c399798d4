"""Contract of metrics: scores of predictions, and how they resample."""

from typing import TYPE_CHECKING, ClassVar

from mmbench.contract.component import Component
from mmbench.contract.types import TaskKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Metric(Component):
    """A score of predictions.

    Implement ``tally`` and ``from_sums`` where the score is a function of sums over samples: statistics then need
    memory in the number of units, not of samples. Other metrics, such as those of ranks, implement ``score`` alone and
    set ``additive`` to False.

    ``kinds`` are the kinds of tasks, ``title`` is the name in tables, ``higher_is_better`` the direction, ``bounds``
    the least and the largest value, ``chance`` the score expected of predictions that do not depend on the input; None
    where it depends on the data or is not a constant.
    """

    kinds: ClassVar[tuple[TaskKind, ...]]
    title: ClassVar[str]
    higher_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    chance: ClassVar[float | None] = None
    additive: ClassVar[bool] = True

    def tally(self, target: "NDArray[np.generic]", outputs: "NDArray[np.floating]") -> "NDArray[np.float64]":
        """What each sample adds to the sums, ``(n, F)``.

        ``target`` is ``(n,)`` class indices, ``(n, L)`` 0 or 1, or ``(n, V)`` values; ``outputs`` ``(n, n_outputs)``
        are logits of classes or labels, or values. The first column should count: it is 1 for every sample.
        """
        raise NotImplementedError(f"{type(self).__name__}.tally")

    def from_sums(self, sums: "NDArray[np.float64]") -> "NDArray[np.float64]":
        """Scores ``(...)`` of sums ``(..., F)``; the same for sums multiplied by any positive number."""
        raise NotImplementedError(f"{type(self).__name__}.from_sums")

    def score(self, target: "NDArray[np.generic]", outputs: "NDArray[np.floating]") -> float:
        """The score of some predictions."""
        return float(self.from_sums(self.tally(target, outputs).sum(axis=0)))
