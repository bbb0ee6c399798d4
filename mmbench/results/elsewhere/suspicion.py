"""Signs that predictions made elsewhere are copies of another entry, or that test labels were known.

None is a proof: each is reported beside the scores, so that a reader asks how the predictions were made.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mmbench.registry import orient
from mmbench.results.calibration import log_probabilities
from mmbench.results.elsewhere.origin import has_scores
from mmbench.results.elsewhere.rescaled import is_rescaled_copy
from mmbench.results.method_result import MethodResult
from mmbench.results.statistics import difference_intervals

Sign = Literal["copy", "perfect", "far above", "even"]
_SAME = 0.9999  # correlation of two sets of errors from which one is a copy of the other
_FEWEST_ERRORS = 10  # shared errors from which equal predicted classes are no coincidence
_FEWEST = 30  # samples that all methods get wrong, or right
_TOLERANCE = 0.05  # by which the accuracy on difficult samples may be below that on easy ones
_HALF = 0.5

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Suspicion:
    """A sign of a ``kind`` in the predictions of ``method``, as a sentence."""

    kind: Sign
    method: str
    text: str


def find_suspicions(methods: Sequence[MethodResult]) -> list[Suspicion]:
    """The signs in all predictions made elsewhere: those found now, and those recorded when they were scored."""
    found: list[Suspicion] = []
    for at, method in enumerate(methods):
        if method.is_elsewhere and not method.missing:
            before = [other for other in methods[:at] if not other.is_elsewhere]  # each pair is examined once
            others = [other for other in (*before, *methods[at + 1 :]) if not other.missing]
            found += _examine(method, others)
            kinds = {each.kind for each in found if each.method == method.name}
            recorded = [flag for flag in method.run["elsewhere"].get("flags", ()) if flag["kind"] not in kinds]
            found += [Suspicion(flag["kind"], method.name, flag["text"]) for flag in recorded]
    return found


def _examine(method: MethodResult, others: Sequence[MethodResult]) -> Iterator[Suspicion]:
    trained = [other for other in others if not other.is_elsewhere and other.varies]
    if copied := next((other for other in others if _is_copy(method, other)), None):
        yield Suspicion("copy", method.name, f"its predictions are those of {copied.name}, or nearly")
    elif scaled := next((other for other in others if is_rescaled_copy(method, other)), None):
        text = f"its predictions are those of {scaled.name} at another temperature, or nearly"
        yield Suspicion("copy", method.name, text)
    is_perfect = bool(_is_right(method).all())
    if is_perfect:
        yield Suspicion("perfect", method.name, f"it predicts all {len(method.labels)} test samples right")
    if trained and not is_perfect:
        yield from _far_above(method, max(trained, key=lambda other: other.orient(other.score.mean)))
        yield from _even(method, trained)


def _is_copy(method: MethodResult, other: MethodResult) -> bool:
    """Whether the errors of two methods are the same for some of their seeds."""
    return any(
        _have_same_errors(one, two) or _have_same_classes(method, one, two)
        for one in _errors(method)
        for two in _errors(other)
    )


def _have_same_errors(one: Floats, other: Floats) -> bool:
    """Whether errors ``(n, n_outputs)`` are correlated above what separate trainings give."""
    spread = one.std() * other.std()
    if spread < 1e-12 or len(one) < _FEWEST_ERRORS:
        return False
    wrong = int((np.abs(one).max(axis=1) > _HALF).sum())
    is_sure = np.isin(np.abs(one), (0.0, 1.0)).all()
    return bool(np.corrcoef(one.ravel(), other.ravel())[0, 1] > _SAME) and (not is_sure or wrong >= _FEWEST_ERRORS)


def _have_same_classes(method: MethodResult, one: Floats, other: Floats) -> bool:
    """Whether the predicted classes are the same, wrong ones among them: a copy whose probabilities were rescaled."""
    if method.scoring.kind != "class":
        return False
    truth = np.eye(one.shape[1])[method.labels]
    first, second = ((errors + truth).argmax(axis=1) for errors in (one, other))
    n_wrong = int((first != method.labels).sum())
    return n_wrong >= _FEWEST_ERRORS and len(np.unique(first)) > 1 and bool((first == second).all())


def _errors(method: MethodResult) -> Iterator[Floats]:
    """Predictions minus targets ``(n, n_outputs)`` of each seed; probabilities for classes and labels."""
    kind, labels = method.scoring.kind, method.labels
    for outputs in method.outputs:
        if kind == "values":
            yield outputs - labels
        elif kind == "labels":
            yield (1 / (1 + np.exp(-np.clip(outputs, -500, 500))) if has_scores(method.run) else outputs > 0) - labels
        else:
            n = outputs.shape[1]
            sure = np.eye(n)[outputs.argmax(axis=1)]
            yield (np.exp(log_probabilities(outputs)) if has_scores(method.run) else sure) - np.eye(n)[labels]


def _is_right(method: MethodResult) -> NDArray[np.bool_]:
    """Which test samples ``(S, n)`` are predicted right by each seed; values, to rounding."""
    kind, labels, outputs = method.scoring.kind, method.labels, method.outputs
    if kind == "class":
        return np.asarray(outputs.argmax(axis=2) == labels)
    if kind == "labels":
        return np.asarray(((outputs > 0) == labels.astype(bool)).all(axis=2))
    return np.asarray((np.abs(outputs - labels) <= 1e-3 * labels.std(axis=0)).all(axis=2))


def _far_above(method: MethodResult, best: MethodResult) -> Iterator[Suspicion]:
    """Less than half of the error of the best method that was trained here, significantly."""
    metric = method.metrics[method.metric]
    low, high = metric.bounds
    perfect = orient(metric, high if metric.higher_is_better else low)
    mine, theirs = (perfect - each.orient(each.score.mean) for each in (method, best))
    if not np.isfinite(perfect) or mine >= _HALF * theirs:
        return
    difference = difference_intervals(method.outcomes, best.outcomes)[method.metric]
    if difference.low > 0 or difference.high < 0:
        text = f"it has less than half of the error of {best.name}, the best method that was trained here"
        yield Suspicion("far above", method.name, text)


def _even(method: MethodResult, trained: Sequence[MethodResult]) -> Iterator[Suspicion]:
    """Right as often where all trained methods are wrong as where all are right: labels with some noise."""
    if method.scoring.kind != "class":
        return
    others = np.concatenate([_is_right(other) for other in trained])
    difficult, easy = ~others.any(axis=0), others.all(axis=0)
    if min(difficult.sum(), easy.sum()) < _FEWEST:
        return
    mine = _is_right(method).mean(axis=0)
    at_difficult, at_easy = float(mine[difficult].mean()), float(mine[easy].mean())
    if at_difficult > _HALF and at_difficult > at_easy - _TOLERANCE:
        text = (
            f"it is right in {at_difficult:.0%} of the test samples that all methods trained here get wrong, and in "
            f"{at_easy:.0%} of those that all get right"
        )
        yield Suspicion("even", method.name, text)
