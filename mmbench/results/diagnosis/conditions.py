"""Scores of a method under the conditions of a diagnosis, from its predictions in records.

Three ways, by what the metric allows: balanced accuracy of a class task from counts of correct predictions, other
additive metrics from sums of tallies, and all others from the predictions themselves.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Metric
from mmbench.results.records import Record
from mmbench.results.statistics import (
    CellScore,
    Linearised,
    Ratios,
    find_cells,
    linearise_sums,
    linearise_whole,
    tally_by,
)
from mmbench.storage import named_generator

Floats = NDArray[np.float64]
Condition = tuple[str | float, ...]
Draws = Sequence[Sequence[NDArray[Any]]]
"""Predictions under one condition by record, a list of draws each."""

Mask = Sequence[NDArray[np.bool_]]
Mixture = Mapping[Condition, float]
"""Probabilities of conditions, each of which a sample is under."""

_MIXTURE_DRAWS = 5
_MAX_GROUPS = 40  # of units that are left out of a metric that is not additive, for each of many conditions


class Scorer(Protocol):
    """Scores conditions of a diagnosis."""

    def score(self, draws: Draws, scored: Mask | None = None) -> CellScore:
        """The mean score over draws, of the samples that ``scored`` marks."""

    def mix(self, name: str, mixture: Mixture, table: Mapping[Condition, Draws]) -> CellScore | None:
        """The score of a mixture of conditions; None where it is the weighted mean of their scores."""


class Cells:
    """The cells of the samples of a method's records."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records
        self.seeds = sorted({record.seed for record in records})
        folds = sorted({record.fold for record in records})
        unit = np.unique(np.concatenate([record.units for record in records]), return_inverse=True)[1]
        fold = np.concatenate([np.full(len(record.ids), folds.index(record.fold)) for record in records])
        cell, self.unit, self.fold = find_cells(unit, fold)
        self.of_record = np.split(cell, np.cumsum([len(record.ids) for record in records])[:-1])

    def __len__(self) -> int:
        return len(self.unit)


class HitScorer:
    """Balanced accuracy of a class task, linear in the correct predictions under each condition."""

    def __init__(self, cells: Cells, n_classes: int) -> None:
        self.cells, self.n_classes = cells, n_classes

    def score(self, draws: Draws, scored: Mask | None = None) -> CellScore:
        """The mean recall of the classes."""
        labels = [[np.asarray(record.labels)] for record in self.cells.records]
        return Ratios(self._count(draws, scored), self._count(labels, scored), self.cells.unit, self.cells.fold)

    def mix(self, name: str, mixture: Mixture, table: Mapping[Condition, Draws]) -> None:
        """None: the score is linear."""

    def _count(self, predictions: Draws, scored: Mask | None) -> Floats:
        """Correct predictions, means over draws, by seed, cell and class ``(S, N, C)``."""
        cells = self.cells
        counts = np.zeros((len(cells.seeds), len(cells), self.n_classes))
        for at, record in enumerate(cells.records):
            labels = np.asarray(record.labels)
            right = np.mean([draw == labels for draw in predictions[at]], axis=0)
            if scored is not None:
                right = right * scored[at]
            place = cells.of_record[at] * self.n_classes + labels
            summed = np.bincount(place, weights=right, minlength=counts[0].size)
            counts[cells.seeds.index(record.seed)] += summed.reshape(counts[0].shape)
        return counts


class TallyScorer:
    """An additive metric: sums are means over draws, and those of a mixture are weighted means of sums."""

    def __init__(self, cells: Cells, metric: Metric, n_classes: int | None) -> None:
        self.cells, self.metric, self.n_classes = cells, metric, n_classes

    def score(self, draws: Draws, scored: Mask | None = None) -> CellScore:
        """The score of the expected sums."""
        return self._linearise(self._sums(draws, scored), scored)

    def mix(self, name: str, mixture: Mixture, table: Mapping[Condition, Draws]) -> CellScore:
        """The score of the expected sums, exact since the prediction of a sample does not depend on other samples."""
        return self._linearise(sum(share * self._sums(table[key], None) for key, share in mixture.items()), None)

    def _linearise(self, sums: Any, scored: Mask | None) -> CellScore:
        counts = self._counts(scored)
        shares = counts / np.maximum(counts.sum(axis=0), 1)
        return linearise_sums(self.metric, sums, shares, self.cells.unit, self.cells.fold)

    @property
    def _n_strata(self) -> int:
        return self.n_classes or 1

    def _places(self, at: int) -> NDArray[np.int64]:
        labels = np.asarray(self.cells.records[at].labels) if self.n_classes else 0
        return self.cells.of_record[at] * self._n_strata + labels

    def _counts(self, scored: Mask | None) -> Floats:
        """Samples by cell and stratum ``(N, K)``, the mean over seeds."""
        counts = np.zeros(len(self.cells) * self._n_strata)
        for at in range(len(self.cells.records)):
            counts += np.bincount(
                self._places(at), weights=None if scored is None else scored[at], minlength=len(counts)
            )
        return counts.reshape(len(self.cells), -1) / len(self.cells.seeds)

    def _sums(self, draws: Draws, scored: Mask | None) -> Floats:
        """Tallies summed by seed, cell and stratum ``(S, N, K, F)``, means over draws."""
        size = len(self.cells) * self._n_strata
        found: list[Any] = [0.0] * len(self.cells.seeds)
        for at, record in enumerate(self.cells.records):
            target, place = np.asarray(record.labels), self._places(at)
            rows = slice(None) if scored is None else scored[at]
            for draw in draws[at]:
                outputs = self._outputs(draw)[rows]
                if len(outputs):
                    tallied = tally_by(self.metric, target[rows], outputs, place[rows], size)
                    found[self.cells.seeds.index(record.seed)] += tallied / len(draws[at])
        return np.stack([np.reshape(each, (len(self.cells), self._n_strata, -1)) for each in found])

    def _outputs(self, predictions: NDArray[Any]) -> NDArray[Any]:
        return np.eye(self.n_classes)[predictions] if self.n_classes else np.asarray(predictions, dtype=np.float64)


class WholeScorer:
    """Any other metric of labels or values: from the predictions of all samples, with seeds that have all folds."""

    def __init__(self, cells: Cells, metric: Metric) -> None:
        self.cells, self.metric = cells, metric
        counts = [sum(record.seed == seed for record in cells.records) for seed in cells.seeds]
        whole = [seed for seed, count in zip(cells.seeds, counts, strict=True) if count == max(counts)]
        order = sorted(range(len(cells.records)), key=lambda at: cells.records[at].fold)
        self.order = [[at for at in order if cells.records[at].seed == seed] for seed in whole]
        place = np.concatenate([cells.of_record[at] for at in self.order[0]])
        self.unit, self.fold = cells.unit[place], cells.fold[place]
        self.target = self._join([np.asarray(record.labels) for record in cells.records])[0]

    def score(self, draws: Draws, scored: Mask | None = None) -> CellScore:
        """The mean of the scores of the draws."""
        rows = slice(None) if scored is None else self._join(list(scored))[0]
        return self._mean([self._join(list(draw))[:, rows] for draw in self._by_draw(draws)], rows)

    def mix(self, name: str, mixture: Mixture, table: Mapping[Condition, Draws]) -> CellScore:
        """The mean score over draws of the condition of each sample, the same for all methods."""
        random, edges = named_generator("mixture", name), np.cumsum(list(mixture.values()))
        outputs = [self._join([each[0] for each in table[key]]) for key in mixture]
        drawn = []
        for _ in range(_MIXTURE_DRAWS):
            which = np.minimum(np.searchsorted(edges, random.random(len(self.unit)), side="right"), len(edges) - 1)
            drawn.append(sum((which == at)[:, None] * each for at, each in enumerate(outputs)))
        return self._mean(drawn, slice(None))

    def _mean(self, drawn: Sequence[Any], rows: Any) -> CellScore:
        unit, fold = (np.unique(each[rows], return_inverse=True)[1] for each in (self.unit, self.fold))
        found = [linearise_whole(self.metric, self.target[rows], each, unit, fold, _MAX_GROUPS) for each in drawn]
        return Linearised(
            float(np.mean([each.value for each in found])),
            np.mean([each.contributions for each in found], axis=0),
            found[0].shares,
            found[0].unit,
            found[0].fold,
            all(each.defined for each in found),
        )

    def _by_draw(self, draws: Draws) -> list[list[NDArray[Any]]]:
        n_draws = min(len(each) for each in draws)
        return [[each[draw] for each in draws] for draw in range(n_draws)]

    def _join(self, by_record: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """Values of all samples by seed ``(S, n, ...)``."""
        return np.stack([np.concatenate([by_record[at] for at in seed]) for seed in self.order])
