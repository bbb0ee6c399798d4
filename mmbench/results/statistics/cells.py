"""Scores linearised over cells: the test samples of one unit in one fold.

What the variance of a score needs (`variance.py`) is the first-order contribution of every cell and seed to it, and the
weight of every cell. Both have as many numbers as there are cells, however many samples these hold.
"""

from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


class CellScore(ABC):
    """A score and its linearisation over N cells with ``unit`` and ``fold`` ``(N,)``, in K strata such as classes.

    ``defined`` is False where the score without one of the cells is not a number: its variance cannot be estimated.
    """

    unit: Index
    fold: Index
    defined: bool = True

    @property
    @abstractmethod
    def n_seeds(self) -> int:
        """Training seeds S."""

    @property
    @abstractmethod
    def score(self) -> float:
        """The mean over seeds."""

    @abstractmethod
    def residuals(self) -> Floats:
        """First-order contributions of cells to the score ``(S, N, K)``, which sum to 0."""

    @property
    @abstractmethod
    def cell_share(self) -> Floats:
        """Share of each stratum in each cell ``(N, K)``; 0 in all cells for an empty stratum."""

    @cached_property
    def n_units(self) -> int:
        """Units U."""
        return int(self.unit.max()) + 1

    @cached_property
    def n_folds(self) -> int:
        """Folds F."""
        return int(self.fold.max()) + 1

    @cached_property
    def unit_share(self) -> Floats:
        """Share of each stratum in each unit ``(U, K)``."""
        return sum_by(self.unit, self.cell_share, self.n_units)

    @cached_property
    def fold_share(self) -> Floats:
        """Share of each stratum in each fold ``(F, K)``."""
        return sum_by(self.fold, self.cell_share, self.n_folds)

    @cached_property
    def has_own_trainings(self) -> bool:
        """Whether each unit is tested by several trainings that test no other unit: one model per subject."""
        cells_of_fold = np.bincount(self.fold, minlength=self.n_folds)
        cells_of_unit = np.bincount(self.unit, minlength=self.n_units)
        return bool(cells_of_fold.max() == 1 and cells_of_unit.min() > 1)


def sum_by(index: Index, values: Floats, size: int) -> Floats:
    """Sums of rows of ``values`` ``(N, K)`` by ``index`` ``(N,)``: ``(size, K)``."""
    columns = [np.bincount(index, weights=column, minlength=size) for column in values.T]
    return np.stack(columns, axis=1)


def find_cells(unit: Index, fold: Index) -> tuple[Index, Index, Index]:
    """The cell of each sample ``(n,)``, and the unit and the fold of each cell ``(N,)``."""
    code = unit.astype(np.int64) * (int(fold.max()) + 1) + fold
    _, first, cell = np.unique(code, return_index=True, return_inverse=True)
    return cell, unit[first], fold[first]
