"""Metrics of values, each the mean over targets."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmbench import Metric
from mmbench.builtin.metrics.counts import Values, ratio

_ROUNDING = 1e-12  # of the mean square: a variance below is rounding error, and the values are constant


class MeanAbsoluteError(Metric):
    """Mean absolute error, in units of the data."""

    name = "mae"
    title = "MAE"
    kinds = ("values",)
    higher_is_better = False
    bounds = (0.0, np.inf)

    def tally(self, target: NDArray[np.generic], outputs: NDArray[np.floating]) -> Values:
        """1, and the absolute error of each target, ``(n, 1 + V)``."""
        return np.column_stack([np.ones(len(target)), np.abs(_errors(target, outputs))])

    def from_sums(self, sums: Values) -> Values:
        """Mean over samples and targets."""
        return np.asarray(np.mean(ratio(sums[..., 1:], sums[..., :1]), axis=-1))


class RootMeanSquaredError(Metric):
    """Root of the mean squared error, in units of the data."""

    name = "rmse"
    title = "RMSE"
    kinds = ("values",)
    higher_is_better = False
    bounds = (0.0, np.inf)

    def tally(self, target: NDArray[np.generic], outputs: NDArray[np.floating]) -> Values:
        """1, and the squared error of each target, ``(n, 1 + V)``."""
        return np.column_stack([np.ones(len(target)), _errors(target, outputs) ** 2])

    def from_sums(self, sums: Values) -> Values:
        """Root of the mean over samples, mean over targets."""
        return np.asarray(np.mean(np.sqrt(ratio(sums[..., 1:], sums[..., :1])), axis=-1))


class _MomentMetric(Metric):
    """A metric of first and second moments that does not change where targets and outputs are shifted together.

    The sums are the number of samples, and for each target those of target, output, their squares and their product:
    ``1 + 5 V`` columns.
    """

    kinds = ("values",)
    bounds = (-1.0, 1.0)
    chance = 0.0

    def tally(self, target: NDArray[np.generic], outputs: NDArray[np.floating]) -> Values:
        """1, and moments of each sample, ``(n, 1 + 5 V)``."""
        y, p = target.astype(np.float64), outputs.astype(np.float64)
        return np.column_stack([np.ones(len(y)), y, p, y**2, p**2, y * p])

    def score(self, target: NDArray[np.generic], outputs: NDArray[np.floating]) -> float:
        """The score of some predictions."""
        # Squares of values far from zero would lose the digits in which the values differ.
        mean = target.astype(np.float64).mean(axis=0)
        return super().score(target - mean, outputs - mean)

    def from_sums(self, sums: Values) -> Values:
        """Scores ``(...)`` of sums ``(..., 1 + 5 V)``."""
        return np.asarray(np.mean(self.of_moments(_moments(sums)), axis=-1))

    def of_moments(self, moments: "Moments") -> Values:
        """Scores of each target ``(..., V)``."""
        raise NotImplementedError(f"{type(self).__name__}.of_moments")


class Moments(NamedTuple):
    """Means, variances and covariance of targets ``y`` and outputs ``p``, each ``(..., V)``; 0 where constant."""

    mean_y: Values
    mean_p: Values
    var_y: Values
    var_p: Values
    covariance: Values
    squared_error: Values


class R2(_MomentMetric):
    """Coefficient of determination: 1 minus squared error over that of the mean of the targets.

    For a constant target 1 where it is predicted exactly, 0 otherwise.
    """

    name = "r2"
    title = "R²"
    bounds = (-np.inf, 1.0)

    def of_moments(self, moments: Moments) -> Values:
        """1 minus the unexplained share of the variance."""
        constant = np.where(moments.squared_error > 0, 0.0, 1.0)
        return np.where(moments.var_y > 0, 1 - ratio(moments.squared_error, moments.var_y), constant)


class Pearson(_MomentMetric):
    """Pearson's correlation; 0 for a target that is constant or constantly predicted."""

    name = "pearson"
    title = "Pearson's r"

    def of_moments(self, moments: Moments) -> Values:
        """Covariance over the product of the deviations."""
        return np.clip(ratio(moments.covariance, np.sqrt(moments.var_y) * np.sqrt(moments.var_p)), -1.0, 1.0)


class Ccc(_MomentMetric):
    """Concordance correlation coefficient (Lin 1989); 0 where targets and outputs are constant."""

    name = "ccc"
    title = "CCC"

    def of_moments(self, moments: Moments) -> Values:
        """Twice the covariance over the variances and the squared difference of the means."""
        spread = moments.var_y + moments.var_p + (moments.mean_y - moments.mean_p) ** 2
        return ratio(2 * moments.covariance, spread)


def _moments(sums: Values) -> Moments:
    y, p, yy, pp, yp = np.split(ratio(sums[..., 1:], sums[..., :1]), 5, axis=-1)
    var_y, var_p = (
        np.where(square - mean**2 > _ROUNDING * square, square - mean**2, 0.0) for mean, square in ((y, yy), (p, pp))
    )
    error = yy - 2 * yp + pp
    error = np.where(error > _ROUNDING * (yy + pp), error, 0.0)
    return Moments(y, p, var_y, var_p, np.where((var_y > 0) & (var_p > 0), yp - y * p, 0.0), error)


def _errors(target: NDArray[np.generic], outputs: NDArray[np.floating]) -> Values:
    return target.astype(np.float64) - outputs.astype(np.float64)


METRICS: tuple[type[Metric], ...] = (MeanAbsoluteError, RootMeanSquaredError, R2, Pearson, Ccc)
