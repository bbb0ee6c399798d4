"""Predictions of one method for all test samples, and its scores linearised over units and folds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from mmbench.contract import Metric, TaskKind
from mmbench.results.statistics.cells import CellScore, Floats, Index, find_cells, sum_by
from mmbench.results.statistics.class_ratios import BALANCED_ACCURACY, CLASS_METRICS, RATIOS
from mmbench.results.statistics.linearised import linearise_sums, linearise_whole, tally_by
from mmbench.results.statistics.ratios import Ratios

_MOST_UNITS_SCORED = 1000  # by a metric that is not additive


@dataclass(frozen=True)
class Outcomes:
    """Predictions of one method over n test samples and S training seeds.

    ``labels`` are class indices ``(n,)``, or targets ``(n, n_outputs)``: 0 or 1 for each label, or values. ``unit`` and
    ``fold`` are indices ``(n,)``. ``predictions`` are predicted classes ``(S, n)`` or, for tasks of labels and values,
    outputs ``(S, n, n_outputs)``. ``outputs`` are logits ``(S, n, n_classes)`` of a class task, for metrics that need
    more than the predicted class. ``varies`` is False if predictions do not depend on the seed, as for a prior.
    ``metric`` is that of verdicts and ranking, ``metrics`` are those of the table.
    """

    labels: Any
    predictions: Any
    unit: Index
    fold: Index
    n_classes: int
    varies: bool = True
    kind: TaskKind = "class"
    metric: Metric = BALANCED_ACCURACY
    metrics: tuple[Metric, ...] = CLASS_METRICS
    outputs: Floats | None = None

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
        return self.kind == "class" and bool((self.predictions == self.predictions.flat[0]).all())

    @property
    def confusion(self) -> Floats:
        """Counts ``(C, C)`` of a class task, summed over seeds: rows are labels, columns predictions."""
        ones = np.ones(len(self.labels))
        counts = [self._count(self.labels, self.n_classes, predicted, ones) for predicted in self.predictions]
        return np.asarray(np.sum(counts, axis=0))

    @cached_property
    def unit_scores(self) -> Floats:
        """The score ``(U,)`` of each unit by ``metric``, mean over seeds; NaN where it is not defined for a unit."""
        if self._is_ratio(self.metric):
            return self._unit_ratios()
        with np.errstate(all="ignore"):
            if self.metric.additive:
                sums = [self._tally(each, self.unit, self.n_units) for each in range(self.n_seeds)]
                return np.asarray(np.mean([self.metric.from_sums(each) for each in sums], axis=0))
            return self._unit_scores_of_whole()

    def first_seeds(self, n: int) -> "Outcomes":
        """The outcomes of the first ``n`` seeds."""
        outputs = None if self.outputs is None else self.outputs[:n]
        return replace(self, predictions=self.predictions[:n], outputs=outputs)

    def linearise(self, metric: Metric) -> CellScore:
        """A score of all samples, and the contributions of cells to it."""
        if metric.name not in self._linearised:
            self._linearised[metric.name] = self._linearise(metric)
        return self._linearised[metric.name]

    def ratios(self, metric: str) -> Ratios:
        """Accuracy, balanced accuracy or macro F1 of a class task as ratios over cells."""
        return RATIOS[metric](self)

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
    def cells(self) -> tuple[Index, Index, Index]:
        """The cell of each sample ``(n,)``, the unit and the fold of each cell ``(N,)``."""
        return find_cells(self.unit, self.fold)

    def count_by_cell(self, columns: Index, weights: Floats) -> Floats:
        """Sums ``(N, C)`` of ``weights`` ``(n,)`` by cell and class ``columns`` ``(n,)``."""
        return self._count(self.cells[0], len(self.cells[1]), columns, weights)

    @cached_property
    def _linearised(self) -> dict[str, CellScore]:
        return {}

    def _is_ratio(self, metric: Metric) -> bool:
        return self.kind == "class" and metric.name in RATIOS

    def _linearise(self, metric: Metric) -> CellScore:
        if self._is_ratio(metric):
            return self.ratios(metric.name)
        if not metric.additive:
            scored = np.stack([self._scored(seed) for seed in range(self.n_seeds)])
            return linearise_whole(metric, self.labels, scored, self.unit, self.fold)
        cell, unit, fold = self.cells
        shape = (len(unit), self._n_strata)
        place = cell * shape[1] + self._strata
        sums = np.stack(
            [self._tally(seed, place, shape[0] * shape[1], metric).reshape(*shape, -1) for seed in range(self.n_seeds)]
        )
        counts = np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
        total = counts.sum(axis=0)
        return linearise_sums(metric, sums, counts / np.where(total > 0, total, 1.0), unit, fold)

    @property
    def _n_strata(self) -> int:
        return self.n_classes if self.kind == "class" else 1

    @property
    def _strata(self) -> Index:
        """Samples of one class weigh alike; those of a unit that has most of a class have leverage there."""
        return self.labels if self.kind == "class" else np.zeros(len(self.labels), dtype=np.int64)

    def _tally(self, seed: int, place: Index, size: int, metric: Metric | None = None) -> Floats:
        return tally_by(metric or self.metric, self.labels, self._scored(seed), place, size)

    def _scored(self, seed: int) -> Floats:
        """Outputs ``(n, n_outputs)`` of a seed as metrics take them; predicted classes are one-hot without logits."""
        if self.kind != "class":
            return np.asarray(self.predictions[seed])
        return np.eye(self.n_classes)[self.predictions[seed]] if self.outputs is None else self.outputs[seed]

    def _unit_ratios(self) -> Floats:
        by_cell = self.ratios(self.metric.name)
        right, there = (
            sum_by(by_cell.unit, each.mean(axis=0), self.n_units) for each in (by_cell.numerator, by_cell.denominator)
        )
        recalls = np.divide(right, there, out=np.zeros_like(right), where=there > 0)
        return np.asarray(recalls.sum(axis=1) / (there > 0).sum(axis=1))

    def _unit_scores_of_whole(self) -> Floats:
        if self.n_units > _MOST_UNITS_SCORED:
            return np.full(self.n_units, np.nan)
        rows: Sequence[Index] = [np.flatnonzero(self.unit == each) for each in range(self.n_units)]
        scores = [
            [self.metric.score(self.labels[each], scored[each]) for each in rows]
            for scored in map(self._scored, range(self.n_seeds))
        ]
        return np.asarray(np.mean(scores, axis=0))

    @cached_property
    def _balanced(self) -> Ratios:
        return self.ratios("balanced_accuracy")

    @property
    def _n_present(self) -> int:
        return len(np.unique(self.labels))

    def _shares_predicted(self, predicted: Index) -> Floats:
        counts = self._count(self.unit, self.n_units, predicted, np.ones(len(predicted)))
        return np.asarray(counts / counts.sum(axis=1, keepdims=True))

    def _count(self, rows: Index, size: int, columns: Index, weights: Floats) -> Floats:
        counts = np.bincount(rows * self.n_classes + columns, weights=weights, minlength=size * self.n_classes)
        return np.asarray(counts.reshape(size, self.n_classes))
