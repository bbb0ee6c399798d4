"""Residuals of predicted values: bias, spread, quantiles, and coverage of intervals of the width seen in validation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmbench.results.records import Record
from mmbench.results.statistics import Interval, Outcomes, Ratios, find_cells, share_interval, symmetric_interval

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
REACH = 1.96
"""Half the width of a 95 % interval of a normal distribution, in standard deviations."""


@dataclass(frozen=True)
class TargetResiduals:
    """Residuals of one target, prediction minus target in units of the data, over all test samples and seeds.

    ``bias`` is their mean with its interval over units, ``deviation`` their standard deviation, ``quantiles`` those of
    `QUANTILES`. ``coverage`` is the share of test targets within 1.96 standard deviations of the residuals of the
    validation part around the prediction, .95 if these intervals are right; None where records do not hold these.
    """

    name: str
    bias: Interval
    deviation: float
    quantiles: tuple[float, ...]
    coverage: Interval | None


@dataclass(frozen=True)
class Residuals:
    """Residuals of one method, by target."""

    targets: tuple[TargetResiduals, ...]


def measure_residuals(outcomes: Outcomes, seeds: Sequence[Sequence[Record]]) -> Residuals:
    """Residuals of a task of values; ``seeds`` are the records of each seed by fold, in the order of ``outcomes``."""
    residuals = outcomes.predictions - outcomes.labels  # (S, n, V)
    spread = _validation_spread(outcomes, seeds)
    names = seeds[0][0].run["classes"]
    return Residuals(
        tuple(
            _measure(outcomes, name, residuals[:, :, at], None if spread is None else spread[:, :, at])
            for at, name in enumerate(names)
        )
    )


def _measure(
    outcomes: Outcomes, name: str, residuals: NDArray[np.float64], spread: NDArray[np.float64] | None
) -> TargetResiduals:
    within = None if spread is None else np.abs(residuals) <= REACH * spread
    return TargetResiduals(
        name,
        symmetric_interval(_means(outcomes, residuals), outcomes.varies),
        float(residuals.std()),
        tuple(np.quantile(residuals, QUANTILES).tolist()),
        None if within is None else share_interval(_means(outcomes, within.astype(np.float64)), outcomes.varies),
    )


def _means(outcomes: Outcomes, values: NDArray[np.float64]) -> Ratios:
    """The mean of ``values`` ``(S, n)`` over all samples."""
    cell, unit, fold = find_cells(outcomes.unit, outcomes.fold)
    sums = np.stack([np.bincount(cell, weights=each, minlength=len(unit)) for each in values]).astype(np.float64)
    counts = np.broadcast_to(np.bincount(cell).astype(np.float64), sums.shape)
    return Ratios(sums[:, :, None], counts[:, :, None], unit, fold)


def _validation_spread(outcomes: Outcomes, seeds: Sequence[Sequence[Record]]) -> NDArray[np.float64] | None:
    """Standard deviations ``(S, n, V)`` of validation residuals of the training that predicted each test sample."""
    if any(not record.spread for records in seeds for record in records):
        return None
    by_fold = np.array([[record.spread for record in records] for records in seeds], dtype=np.float64)
    return np.asarray(by_fold[:, outcomes.fold])
