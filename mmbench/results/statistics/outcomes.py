"""Predictions of one method for all test samples, and its scores as ratios over units and folds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mmbench.results.statistics.ratios import Floats, Index, Ratios, sum_by


@dataclass(frozen=True)
class Outcomes:
    """Predictions of one method.

    ``labels``, ``unit`` and ``fold`` are indices ``(n,)``, ``predictions`` ``(S, n)`` has one row per training seed.
    ``varies`` is False if predictions do not depend on the seed, as for a prior.
    """

    labels: Index
    predictions: Index
    unit: Index
    fold: Index
    n_classes: int
    varies: bool = True

    @property
    def n_seeds(self) -> int:
        """Training seeds S."""
        return len(self.predictions)

    @property
    def n_units(self) -> int:
        """Units U."""
        return int(self.unit.max()) + 1

    @property
    def n_folds(self) -> int:
        """Folds F."""
        return int(self.fold.max()) + 1

    @property
    def is_constant(self) -> bool:
        """Whether one class is predicted for every sample, so that its score is certain."""
        return bool((self.predictions == self.predictions.flat[0]).all())

    @property
    def confusion(self) -> Floats:
        """Counts ``(C, C)``, summed over seeds: rows are labels, columns predictions."""
        ones = np.ones(len(self.labels))
        counts = [self._count(self.labels, self.n_classes, predicted, ones) for predicted in self.predictions]
        return np.asarray(np.sum(counts, axis=0))

    @property
    def unit_scores(self) -> Floats:
        """Balanced accuracy ``(U,)`` of each unit over its classes, mean over seeds."""
        by_cell = self._balanced
        right, there = (
            sum_by(by_cell.unit, each.mean(axis=0), self.n_units) for each in (by_cell.numerator, by_cell.denominator)
        )
        recalls = np.divide(right, there, out=np.zeros_like(right), where=there > 0)
        return np.asarray(recalls.sum(axis=1) / (there > 0).sum(axis=1))

    def first_seeds(self, n: int) -> "Outcomes":
        """The outcomes of the first ``n`` seeds."""
        return replace(self, predictions=self.predictions[:n])

    def ratios(self, metric: str) -> Ratios:
        """A score as ratios over cells."""
        return _RATIOS[metric](self)

    def over_chance(self, within_units: bool) -> Ratios:
        """Balanced accuracy minus the chance level, 0 in expectation for predictions independent of the labels.

        The chance level is 1 / C or, if ``within_units``, the score of a unit's predictions with its labels shuffled:
        always predicting a person's most frequent class is then at chance.
        """
        known = self._balanced
        if not within_units:
            return replace(known, numerator=known.numerator - known.denominator / self._n_present)
        per_unit = np.stack([self._shares_predicted(predicted) for predicted in self.predictions])  # (S, U, C)
        return replace(known, numerator=known.numerator - known.denominator * per_unit[:, known.unit])

    def guessing(self, within_units: bool) -> float:
        """Chance level of balanced accuracy: 1 / C, or that of guessing by class frequency of each unit."""
        support = self._balanced.denominator[0]
        total = support.sum(axis=0)
        if not within_units:
            return 1 / self._n_present
        by_unit = sum_by(self._balanced.unit, support, self.n_units)
        right = np.square(by_unit) / by_unit.sum(axis=1, keepdims=True)
        recalls = np.divide(right.sum(axis=0), total, out=np.zeros_like(total), where=total > 0)
        return float(recalls.sum() / self._n_present)

    @cached_property
    def _balanced(self) -> Ratios:
        return self.ratios("balanced_accuracy")

    @property
    def _n_present(self) -> int:
        return len(np.unique(self.labels))

    def _shares_predicted(self, predicted: Index) -> Floats:
        counts = self._count(self.unit, self.n_units, predicted, np.ones(len(predicted)))
        return np.asarray(counts / counts.sum(axis=1, keepdims=True))

    @cached_property
    def _cells(self) -> tuple[Index, Index, Index]:
        """The cell of each sample ``(n,)``, the unit and the fold of each cell ``(N,)``."""
        return find_cells(self.unit, self.fold)

    def _by_cell(self, columns: Index, weights: Floats) -> Floats:
        return self._count(self._cells[0], len(self._cells[1]), columns, weights)

    def _count(self, rows: Index, size: int, columns: Index, weights: Floats) -> Floats:
        counts = np.bincount(rows * self.n_classes + columns, weights=weights, minlength=size * self.n_classes)
        return np.asarray(counts.reshape(size, self.n_classes))


def find_cells(unit: Index, fold: Index) -> tuple[Index, Index, Index]:
    """The cell of each sample ``(n,)``, and the unit and the fold of each cell ``(N,)``."""
    code = unit.astype(np.int64) * (int(fold.max()) + 1) + fold
    _, first, cell = np.unique(code, return_index=True, return_inverse=True)
    return cell, unit[first], fold[first]


def _balanced_accuracy(outcomes: Outcomes) -> Ratios:
    labels, ones = outcomes.labels, np.ones(len(outcomes.labels))
    right = [outcomes._by_cell(labels, (labels == each).astype(np.float64)) for each in outcomes.predictions]
    support = np.broadcast_to(outcomes._by_cell(labels, ones), (len(right), *right[0].shape))
    return Ratios(np.stack(right), support, *outcomes._cells[1:])


def _accuracy(outcomes: Outcomes) -> Ratios:
    balanced = outcomes.ratios("balanced_accuracy")
    right, there = (each.sum(axis=2, keepdims=True) for each in (balanced.numerator, balanced.denominator))
    return Ratios(right, there, balanced.unit, balanced.fold)


def _macro_f1(outcomes: Outcomes) -> Ratios:
    balanced, ones = outcomes.ratios("balanced_accuracy"), np.ones(len(outcomes.labels))
    named = np.stack([outcomes._by_cell(each, ones) for each in outcomes.predictions])
    return Ratios(2 * balanced.numerator, balanced.denominator + named, balanced.unit, balanced.fold)


_RATIOS: Mapping[str, Callable[[Outcomes], Ratios]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "macro_f1": _macro_f1,
}
