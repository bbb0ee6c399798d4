"""Linearisation of any metric over cells: by reweighting cells where the metric adds up, by leaving them out elsewhere.

An additive metric is a function g of sums over samples. The contribution of a cell is the derivative of g when the cell
is given more weight: the infinitesimal jackknife (Efron 1982, The Jackknife, the Bootstrap and Other Resampling Plans),
equal to the delta method with the gradient of g, but evaluated at the sums of reweighted samples only, at which g
is defined. Its memory grows with cells, not with samples. For other metrics, cells are left out in turn.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Metric
from mmbench.results.statistics.cells import CellScore, Floats, Index, find_cells

MAX_GROUPS = 200
"""Largest number of groups of units that are left out of a metric that is not additive."""

_STEP = 1e-3  # change of the weight of a cell: the error of the derivative is of the order of its square
_CHUNK = 1 << 14  # samples tallied at once
_EVALUATED = 20_000_000  # samples in all evaluations of a metric that is not additive, unless groups get fewer than:
_FEWEST_GROUPS = 40


@dataclass(frozen=True)
class Linearised(CellScore):
    """A score with the contributions ``(S, N, K)`` and shares ``(N, K)`` of its cells.

    Where ``defined`` is False some contributions are not numbers; they are 0.
    """

    value: float
    contributions: Floats
    shares: Floats
    unit: Index
    fold: Index
    defined: bool = True

    @property
    def n_seeds(self) -> int:
        """Training seeds S."""
        return len(self.contributions)

    @property
    def score(self) -> float:
        """The mean over seeds."""
        return self.value

    def residuals(self) -> Floats:
        """First-order contributions of cells to the score ``(S, N, K)``, which sum to 0."""
        return self.contributions

    @property
    def cell_share(self) -> Floats:
        """Share of each stratum in each cell ``(N, K)``."""
        return self.shares


def tally_by(metric: Metric, target: NDArray[np.generic], outputs: Floats, place: Index, size: int) -> Floats:
    """Sums ``(size, F)`` of the tallies of samples by ``place`` ``(n,)``; tallies of few samples exist at a time."""
    sums: Floats | None = None
    for start in range(0, len(place), _CHUNK):
        part = slice(start, start + _CHUNK)
        tallies = metric.tally(target[part], outputs[part])
        added = [np.bincount(place[part], weights=column, minlength=size) for column in tallies.T]
        sums = np.stack(added, axis=1) if sums is None else sums + np.stack(added, axis=1)
    assert sums is not None
    return sums


def linearise_tallies(
    metric: Metric,
    target: NDArray[np.generic],
    outputs: Iterable[Floats],
    place: Index,
    n_strata: int,
    unit: Index,
    fold: Index,
) -> Linearised:
    """An additive metric of ``outputs`` ``(n, n_outputs)`` of each seed, in cells with ``unit`` and ``fold`` ``(N,)``.

    ``place`` ``(n,)`` is the stratum of each sample, from 0, plus ``n_strata`` times its cell.
    """
    shape = (len(unit), n_strata)
    sums = [tally_by(metric, target, each, place, len(unit) * n_strata).reshape(*shape, -1) for each in outputs]
    counts = np.bincount(place, minlength=len(unit) * n_strata).reshape(shape)
    return linearise_sums(metric, np.stack(sums), counts / np.maximum(counts.sum(axis=0), 1), unit, fold)


def linearise_sums(metric: Metric, sums: Floats, shares: Floats, unit: Index, fold: Index) -> Linearised:
    """An additive metric of ``sums`` ``(S, N, K, F)`` by seed, cell and stratum; ``shares`` ``(N, K)`` are of samples.

    The derivative is taken at the mean over seeds, so that contributions of a seed sum to its distance from that.
    """
    totals = sums.sum(axis=(1, 2))
    pooled = totals.mean(axis=0)
    with np.errstate(all="ignore"):
        value = float(np.mean(metric.from_sums(totals)))
        found = [(metric.from_sums(pooled + _STEP * each) - metric.from_sums(pooled - _STEP * each)) for each in sums]
    return _make(value, np.stack(found) / (2 * _STEP), shares, unit, fold)


def _make(value: float, contributions: Floats, shares: Floats, unit: Index, fold: Index) -> Linearised:
    finite = np.isfinite(contributions)
    return Linearised(value, np.where(finite, contributions, 0.0), shares, unit, fold, bool(finite.all()))


def linearise_whole(
    metric: Metric, target: NDArray[np.generic], outputs: Floats, unit: Index, fold: Index, max_groups: int = MAX_GROUPS
) -> Linearised:
    """A metric that is not additive, of ``outputs`` ``(S, n, n_outputs)``, by leaving out groups of units in turn.

    Groups depend on units and folds alone, so that they are the same for all methods. What a score loses without a cell
    of share w is its contribution divided by 1 - w, as for a mean.
    """
    budget = _EVALUATED // max(len(target), 1)
    unit = group_units(unit, fold, min(max_groups, max(budget, _FEWEST_GROUPS)))
    cell, unit, fold = find_cells(unit, fold)
    share = np.bincount(cell) / len(cell)
    kept = [np.flatnonzero(cell != each) for each in range(len(unit))]
    values = np.array([metric.score(target, each) for each in outputs])
    found = np.array(
        [
            [value - (metric.score(target[rows], each[rows]) if len(rows) else np.nan) for rows in kept]
            for value, each in zip(values, outputs, strict=True)
        ]
    )
    found = found * (1 - share)
    # Contributions of a seed sum to its distance from the mean over seeds, as those of an additive metric.
    found += share * ((values - values.mean())[:, None] - found.sum(axis=1, keepdims=True))
    return _make(float(values.mean()), found[:, :, None], share[:, None], unit, fold)


def group_units(unit: Index, fold: Index, n_groups: int) -> Index:
    """The group ``(n,)`` of the unit of each sample; the units themselves where there are not more than ``n_groups``.

    Groups are of similar numbers of units. Where each unit is tested in one fold, so is each group.
    """
    n_units = int(unit.max()) + 1
    if n_units <= n_groups:
        return unit
    pairs = np.unique(np.stack([fold, unit], axis=1), axis=0)
    nested = len(pairs) == n_units
    order = pairs[:, 1] if nested else np.arange(n_units)
    of_unit = np.empty(n_units, dtype=np.int64)
    if nested:
        _, counts = np.unique(pairs[:, 0], return_counts=True)
        n_each = np.maximum(np.round(counts * n_groups / n_units).astype(np.int64), 1)
        first = np.repeat(np.cumsum(n_each) - n_each, counts)
        rank = np.arange(n_units) - np.repeat(np.cumsum(counts) - counts, counts)
        of_unit[order] = first + rank % np.repeat(n_each, counts)
    else:
        of_unit[order] = np.arange(n_units) % n_groups
    return np.unique(of_unit[unit], return_inverse=True)[1]
