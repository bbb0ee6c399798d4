"""Scores as means of ratios of sums over cells: the test samples of one unit in one fold.

Balanced accuracy is the mean of the recalls of classes; accuracy, Brier score and negative log-likelihood are one
ratio each; F1 of a class is 2 TP / (labelled + predicted).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mmbench.results.statistics.cells import CellScore, Floats, Index


@dataclass(frozen=True)
class Ratios(CellScore):
    """Numerators and denominators ``(S, N, K)`` by training seed, cell and stratum; unit and fold ``(N,)`` of a cell.

    The score of a seed is the mean over strata of the ratio of sums over cells; empty strata do not count.
    """

    numerator: Floats
    denominator: Floats
    unit: Index
    fold: Index

    @property
    def n_seeds(self) -> int:
        """Training seeds S."""
        return len(self.numerator)

    @cached_property
    def totals(self) -> Floats:
        """Denominators ``(K,)`` over all cells, the mean over seeds."""
        return np.asarray(self.denominator.sum(axis=1).mean(axis=0))

    @property
    def score(self) -> float:
        """The mean over seeds."""
        whole = self.denominator.sum(axis=1)
        ratio = np.divide(self.numerator.sum(axis=1), whole, out=np.zeros_like(whole), where=whole > 0)
        return float((ratio.sum(axis=1) / np.maximum((whole > 0).sum(axis=1), 1)).mean())

    def residuals(self) -> Floats:
        """First-order contributions of cells to the score ``(S, N, K)``, which sum to 0."""
        mean = self.numerator.sum(axis=1).mean(axis=0) / self._divisors
        strata = max(int((self.totals > 0).sum()), 1)
        return np.asarray((self.numerator - mean * self.denominator) / (strata * self._divisors))

    @cached_property
    def cell_share(self) -> Floats:
        """Share of each stratum in each cell ``(N, K)``."""
        return np.asarray(self.denominator.mean(axis=0) / self._divisors)

    @property
    def _divisors(self) -> Floats:
        return np.where(self.totals > 0, self.totals, 1.0)
