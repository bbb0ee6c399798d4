"""Detects predictions of another method at another temperature: its probabilities raised to a power.

After the power that fits best, errors of copies correlate above `_SAME`, even if they were written with three digits,
and those of other trainings do not: `tests/results/elsewhere/test_rescaled.py` trains linear discriminants, ridge
classifiers, logistic regressions and networks. Logistic regressions that differ a little in their regularisation alone
can exceed it, as they can be nearly equal without a power.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mmbench.results.calibration import log_probabilities
from mmbench.results.elsewhere.origin import has_scores

if TYPE_CHECKING:
    from mmbench.results.method_result import MethodResult

_SAME = 1 - 5e-6
_AGREE = 0.99  # share of equal predicted classes or labels below which nothing is fitted
_FEWEST = 20  # samples from which equal errors are no coincidence
_MOST = 20_000  # samples that are compared
_POWERS = np.linspace(-3, 3, 25)  # logarithms of the first powers that are tried
Floats = NDArray[np.float64]


def is_rescaled_copy(method: "MethodResult", other: "MethodResult") -> bool:
    """Whether a power of the probabilities of one of the two gives those of the other, for some of their seeds."""
    kind = method.scoring.kind
    if kind == "values" or not all(has_scores(each.run) and each.varies for each in (method, other)):
        return False
    if len(method.labels) < _FEWEST:
        return False
    labels = method.labels[:_MOST]
    truth: Floats = np.eye(method.outputs.shape[2])[labels] if kind == "class" else labels.astype(np.float64)
    return any(
        _agree(one, two, kind) and max(_correlate(one, two, truth, kind), _correlate(two, one, truth, kind)) > _SAME
        for one in _logits(method)
        for two in _logits(other)
    )


def _logits(method: "MethodResult") -> Iterator[Floats]:
    """Logits ``(n, n_outputs)`` of each seed; logarithms of probabilities for classes."""
    for outputs in method.outputs:
        yield log_probabilities(outputs[:_MOST]) if method.scoring.kind == "class" else outputs[:_MOST]


def _agree(one: Floats, other: Floats, kind: str) -> bool:
    if kind == "class":
        return bool((one.argmax(axis=1) == other.argmax(axis=1)).mean() >= _AGREE)
    return bool(((one > 0) == (other > 0)).mean() >= _AGREE)


def _correlate(copied: Floats, source: Floats, truth: Floats, kind: str) -> float:
    """Correlation of the errors of ``copied`` with those of ``source`` at the temperature that fits best."""
    from scipy.optimize import minimize_scalar

    wanted = _probabilities(copied, kind)

    def distance(log_power: float) -> float:
        return float(np.square(_probabilities(np.exp(log_power) * source, kind) - wanted).sum())

    near = float(min(_POWERS, key=distance))
    step = _POWERS[1] - _POWERS[0]
    found = minimize_scalar(distance, bounds=(near - step, near + step), method="bounded", options={"xatol": 1e-6})
    errors = [each - truth for each in (wanted, _probabilities(np.exp(found.x) * source, kind))]
    if min(each.std() for each in errors) < 1e-12:
        return 0.0
    return float(np.corrcoef(errors[0].ravel(), errors[1].ravel())[0, 1])


def _probabilities(logits: Floats, kind: str) -> Floats:
    """Of classes, which sum to 1, or of each label."""
    if kind == "class":
        return np.exp(log_probabilities(logits))
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -500, 500))))
