"""Checks of metrics: scores of random and of constant predictions, and of sums that are added or scaled."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.conformance.outcome import Check, checks_of, demand
from mmbench.contract import Metric, TaskKind
from mmbench.registry import bind_parameters

_WIDTH = 3
Predictions = tuple[NDArray[Any], NDArray[np.float32]]


def check_metric(cls: type[Metric]) -> Iterator[Check]:
    """All checks of a metric class with the parameters of its ``conformance``."""
    metric = cls(**bind_parameters(cls, cls.conformance))
    yield from checks_of(f"metric {cls.name}", metric, check_scores, check_order, check_sums)


def check_scores(metric: Metric) -> None:
    """Scores are finite and within the bounds, also of one sample, of one class and of constant predictions."""
    low, high = metric.bounds
    for target, outputs in _cases(metric):
        for part in (slice(None), slice(1)):
            for predicted in (outputs, np.zeros_like(outputs), np.full_like(outputs, outputs[0])):
                score = metric.score(target[part], predicted[part])
                demand(bool(np.isfinite(score)), f"gives {score} for {len(target[part])} samples")
                again = metric.score(target[part], predicted[part])
                demand(score == again, f"gives {score:g}, then {again:g} for the same predictions")
                demand(low - 1e-9 <= score <= high + 1e-9, f"gives {score:g}, outside its bounds {metric.bounds}")


def check_order(metric: Metric) -> None:
    """The order of the samples does not change the score."""
    for target, outputs in _cases(metric):
        one, other = metric.score(target, outputs), metric.score(target[::-1], outputs[::-1])
        demand(bool(np.isclose(one, other, atol=1e-9)), f"gives {one:g}, and {other:g} for the reversed samples")


def check_sums(metric: Metric) -> None:
    """Sums of a part and of the rest add up to the score of all, and only their proportions count."""
    for target, outputs in _cases(metric) if metric.additive else ():
        tally = metric.tally(target, outputs)
        demand(tally.ndim == 2 and len(tally) == len(target), f"tally has the shape {tally.shape}, not (n, F)")
        demand(bool((tally[:, 0] == 1).all()), "the first column of tally is not 1 for every sample")
        sums, whole = tally.sum(axis=0), metric.score(target, outputs)
        scores = np.asarray(metric.from_sums(np.stack([[sums, 2.5 * sums]])))
        demand(scores.shape == (1, 2), f"from_sums of sums (1, 2, F) has the shape {scores.shape}, not (1, 2)")
        demand(np.allclose(scores, whole, atol=1e-6), f"from_sums gives {scores[0].tolist()}, score {whole:g}")


def _cases(metric: Metric) -> Iterator[Predictions]:
    """Random targets and outputs of every kind of task, and targets that are all alike."""
    random = np.random.default_rng(0)
    for kind in metric.kinds:
        for n in (1, 2, 40):
            target = _draw(kind, n, random)
            outputs = random.normal(size=(n, _WIDTH)).astype(np.float32)
            yield target, outputs
            yield np.repeat(target[:1], n, axis=0), outputs


def _draw(kind: TaskKind, n: int, random: np.random.Generator) -> NDArray[Any]:
    if kind == "class":
        return random.integers(0, _WIDTH, n)
    return random.integers(0, 2, (n, _WIDTH)) if kind == "labels" else random.normal(size=(n, _WIDTH))
