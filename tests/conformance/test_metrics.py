"""Every metric passes the checks, and faults of metrics are named."""

import re

import numpy as np
import pytest

from mmbench import Metric
from mmbench.builtin.metrics.classification import Accuracy
from mmbench.conformance.metrics import check_metric
from mmbench.registry import load_registry


@pytest.mark.parametrize("name", sorted(load_registry().metrics))
def test_metrics_of_the_host(name: str) -> None:
    for check in check_metric(load_registry().metrics[name].component):
        check()


class Unbounded(Accuracy):
    bounds = (0.0, 0.2)


class Undefined(Metric):
    name = "undefined"
    title = "undefined"
    kinds = ("values",)
    additive = False

    def score(self, target: np.ndarray, outputs: np.ndarray) -> float:
        return float(np.corrcoef(target[:, 0], outputs[:, 0])[0, 1]) if len(target) > 1 else float("nan")


class Ordered(Accuracy):
    def score(self, target: np.ndarray, outputs: np.ndarray) -> float:
        return float(outputs[0].argmax() == target[0])


class Counting(Accuracy):
    def from_sums(self, sums: np.ndarray) -> np.ndarray:
        return np.minimum(sums[..., 1] / 40, 1.0)


class Flat(Accuracy):
    def from_sums(self, sums: np.ndarray) -> np.ndarray:
        return np.asarray(sums[..., 1].sum() / sums[..., 0].sum())


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (Unbounded, "outside its bounds"),
        (Undefined, "gives nan for 1 samples"),
        (Ordered, "for the reversed samples"),
        (Counting, "from_sums gives"),
        (Flat, r"has the shape \(\), not \(1, 2\)"),
    ],
)
def test_faults_are_named(cls: type[Metric], message: str) -> None:
    outcomes = [check.run() for check in check_metric(cls)]

    assert any(re.search(message, outcome.message) for outcome in outcomes if not outcome.ok), outcomes
