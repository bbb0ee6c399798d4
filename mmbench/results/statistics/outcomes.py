"""Predictions of one method for all test samples, and its scores linearised over units and folds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any

import numpy as np

from mmbench.contract import Metric, TaskKind
from mmbench.registry import find_metric
from mmbench.results.statistics.cells import CellScore, Floats, Index, find_cells, sum_by
from mmbench.results.statistics.class_ratios import RATIOS
from mmbench.results.statistics.linearised import linearise_tallies, linearise_whole, tally_by
from mmbench.results.statistics.ratios import Ratios

_MOST_UNITS_SCORED = 1000  # by a metric that is not additive


@cache
def _class_metrics() -> Mapping[str, Metric]:
    return {name: find_metric(name) for name in RATIOS}


@dataclass(frozen=True)
class Outcomes:
    """Predictions of one method over n test samples and S training seeds.

    ``labels`` are class indices ``(n,)``, or targets ``(n, n_outputs)``: 0 or 1 for each label, or values. ``unit`` and
    ``fold`` are indices ``(n,)``. ``predictions`` are predicted classes ``(S, n)`` or, for tasks of labels and values,
    outputs ``(S, n, n_outputs)``. ``outputs`` are logits ``(S, n, n_classes)`` of a class task, for metrics that need
    more than the predicted class. ``varies`` is False if predictions do not depend on the seed, as for a prior.
    ``metric`` names that of verdicts and ranking among ``metrics``, those of the table.
    """

    labels: Any
    predictions: Any
    unit: Index
    fold: Index
    n_classes: int
    varies: bool = True
    kind: TaskKind = "class"
    metric: str = "balanced_accuracy"
    metrics: Mapping[str, Metric] = field(default_factory=_class_metrics)
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
        metric = self.metrics[self.metric]
        if self.is_ratio(self.metric):
            return self._unit_ratios()
        if not metric.additive:
            return self._unit_scores_of_whole(metric)
        with np.errstate(all="ignore"):
            sums = [tally_by(metric, self.labels, each, self.unit, self.n_units) for each in self._scored]
            return np.asarray(np.mean([metric.from_sums(each) for each in sums], axis=0))

    def first_seeds(self, n: int) -> "Outcomes":
        """The outcomes of the first ``n`` seeds."""
        outputs = None if self.outputs is None else self.outputs[:n]
        return replace(self, predictions=self.predictions[:n], outputs=outputs)

    def linearise(self, name: str) -> CellScore:
        """The score of all samples by one of ``metrics``, and the contributions of cells to it."""
        if name not in self._linearised:
            self._linearised[name] = self.ratios(name) if self.is_ratio(name) else self._linearise(self.metrics[name])
        return self._linearised[name]

    def is_ratio(self, name: str) -> bool:
        """Whether a metric depends on predicted classes alone and has ratios of its own."""
        return self.kind == "class" and name in RATIOS

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

    def _linearise(self, metric: Metric) -> CellScore:
        if not metric.additive:
            return linearise_whole(metric, self.labels, np.stack(list(self._scored)), self.unit, self.fold)
        # Samples of a class are a stratum: a unit that has most of a class has leverage there.
        cell, unit, fold = self.cells
        n_strata, stratum = (self.n_classes, self.labels) if self.kind == "class" else (1, 0)
        return linearise_tallies(metric, self.labels, self._scored, cell * n_strata + stratum, n_strata, unit, fold)

    @property
    def _scored(self) -> Iterator[Floats]:
        """Outputs ``(n, n_outputs)`` of each seed as metrics take them; one-hot for classes without logits."""
        if self.kind != "class":
            yield from self.predictions
        elif self.outputs is not None:
            yield from self.outputs
        else:
            yield from (np.eye(self.n_classes)[each] for each in self.predictions)

    def _unit_ratios(self) -> Floats:
        by_cell = self.ratios(self.metric)
        right, there = (
            sum_by(by_cell.unit, each.mean(axis=0), self.n_units) for each in (by_cell.numerator, by_cell.denominator)
        )
        recalls = np.divide(right, there, out=np.zeros_like(right), where=there > 0)
        return np.asarray(recalls.sum(axis=1) / (there > 0).sum(axis=1))

    def _unit_scores_of_whole(self, metric: Metric) -> Floats:
        if self.n_units > _MOST_UNITS_SCORED:
            return np.full(self.n_units, np.nan)
        rows = [np.flatnonzero(self.unit == each) for each in range(self.n_units)]
        scores = [[metric.score(self.labels[each], scored[each]) for each in rows] for scored in self._scored]
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
