"""Scores of predictions by metrics, and counts of predicted classes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Metric
from mmbench.errors import PluginError
from mmbench.registry import find_metric

Counts = NDArray[np.float64]
_ROUNDING = 1e-9

METRICS = ("accuracy", "balanced_accuracy", "macro_f1")
"""The metrics of a task of one class that names none, in the order of records."""


def score(metric: Metric, target: NDArray[np.generic], outputs: NDArray[np.floating]) -> float:
    """The score of some predictions; PluginError if the metric raises or gives no finite number within its bounds."""
    n_samples, (low, high) = len(target), metric.bounds
    with _metric_errors(metric, n_samples):
        value = float(metric.score(_read_only(target), _read_only(outputs)))
    if not np.isfinite(value):
        raise _fault(metric, f"gives {value} for {n_samples} samples", "every score must be finite")
    if not low - _ROUNDING <= value <= high + _ROUNDING:
        raise _fault(metric, f"gives {value}, which is not from {low:g} to {high:g}", "correct it or its bounds")
    return value


def check_metric(metric: Metric, target: NDArray[np.generic], outputs: NDArray[np.floating]) -> None:
    """PluginError unless the same predictions have the same score, and that of an additive metric follows from sums.

    Intervals are computed from sums over resampled units, which may be multiplied: other metrics would have wrong ones.
    """
    if metric.additive:
        _check_sums(metric, target, outputs)
    one, other = score(metric, target, outputs), score(metric, target, outputs)
    if one != other:
        raise _fault(metric, f"gives {one:g}, then {other:g} for the same predictions", "make it depend on them alone")


def _check_sums(metric: Metric, target: NDArray[np.generic], outputs: NDArray[np.floating]) -> None:
    with _metric_errors(metric, len(target)):
        tallied = np.asarray(metric.tally(_read_only(target), _read_only(outputs)), dtype=np.float64)
        sums = tallied.sum(axis=0)
        scores = np.asarray(metric.from_sums(np.stack([sums, 2 * sums])), dtype=np.float64)
    if tallied.ndim != 2 or len(tallied) != len(target):
        raise _fault(metric, f"tallies {len(target)} samples to the shape {tallied.shape}", "return (n, F) from tally")
    if scores.shape != (2,):
        raise _fault(metric, f"gives scores of the shape {scores.shape} for sums (2, F)", "return (...) for (..., F)")
    if not np.isclose(scores[0], scores[1], rtol=1e-6, atol=1e-9):
        raise _fault(metric, "gives another score for doubled sums", "divide by a sum, or set additive to False")


@contextmanager
def _metric_errors(metric: Metric, n_samples: int) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        shown = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise _fault(metric, f"cannot score {n_samples} samples ({shown})", "correct it") from error


def _fault(metric: Metric, message: str, remedy: str) -> PluginError:
    return PluginError(message, where=f"metric {metric.name}", remedy=remedy)


def _read_only(values: NDArray[Any]) -> NDArray[Any]:
    """A view that a metric cannot write to."""
    view = values.view()
    view.flags.writeable = False
    return view


def score_outputs(
    metrics: Mapping[str, Metric], target: NDArray[np.generic], outputs: NDArray[np.floating]
) -> dict[str, float]:
    """The scores of some predictions by name."""
    return {name: score(metric, target, outputs) for name, metric in metrics.items()}


def score_all(labels: NDArray[np.int64], predictions: NDArray[np.int64], n_classes: int) -> dict[str, float]:
    """The scores of predicted classes by `METRICS`."""
    return score_outputs({name: _find(name) for name in METRICS}, labels, np.eye(n_classes)[predictions])


def confusion_matrix(labels: NDArray[np.int64], predictions: NDArray[np.int64], n_classes: int) -> Counts:
    """Counts ``(C, C)``: rows are labels, columns predictions."""
    counts = np.bincount(labels * n_classes + predictions, minlength=n_classes * n_classes)
    return counts.reshape(n_classes, n_classes).astype(np.float64)


def balanced_accuracy(counts: Counts) -> NDArray[np.float64]:
    """Balanced accuracy of confusion matrices ``(..., C, C)``: shape ``(...)``."""
    n, support, predicted = counts.sum(axis=(-2, -1)), counts.sum(axis=-1), counts.sum(axis=-2)
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    return _find("balanced_accuracy").from_sums(np.concatenate([n[..., None], support, predicted, right], axis=-1))


@cache
def _find(name: str) -> Metric:
    return find_metric(name)
