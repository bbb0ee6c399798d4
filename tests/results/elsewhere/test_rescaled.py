"""Copies at another temperature are recognised, and other trainings on the same data are not, by real trainings."""

from itertools import combinations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neural_network import MLPClassifier

from mmbench.results.elsewhere.rescaled import is_rescaled_copy

POWERS = (0.3, 0.5, 2.0, 5.0)


def method_of(labels: Any, *outputs: Any, kind: str = "class", varies: bool = True, run: Any = None) -> Any:
    """Outputs are logits ``(n, n_outputs)``, one array for each seed."""
    scoring = SimpleNamespace(kind=kind)
    return SimpleNamespace(scoring=scoring, run=run or {}, labels=labels, outputs=np.stack(outputs), varies=varies)


def powered(logits: Any, power: float, digits: int = 3) -> Any:
    """Logits of the probabilities raised to a power and rounded, as a file holds them."""
    raised = np.exp(power * (logits - logits.max(axis=1, keepdims=True)))
    written = np.round(raised / raised.sum(axis=1, keepdims=True), digits)
    return np.log(np.clip(written, 1e-12, None))


def trained(n: int, n_classes: int, seed: int) -> tuple[Any, dict[str, Any]]:
    """Labels, and logits of models trained in five folds on the same data."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, n_classes, n)
    x = (random.standard_normal((n_classes, 5)) * 0.8)[labels] + random.standard_normal((n, 5))
    models = {
        "logistic": LogisticRegression(),
        "strict": LogisticRegression(C=0.03),
        "discriminant": LinearDiscriminantAnalysis(),
        "ridge": RidgeClassifier(),
        **{f"network {at}": MLPClassifier((8,), solver="lbfgs", max_iter=20, random_state=at) for at in range(2)},
    }
    found = {name: np.zeros((n, n_classes)) for name in models}
    for fold in range(5):
        test = np.arange(n) % 5 == fold
        for name, model in models.items():
            model.fit(x[~test], labels[~test])
            if name == "ridge":
                scores = model.decision_function(x[test])
                found[name][test] = np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores
            else:
                found[name][test] = model.predict_log_proba(x[test])
    return labels, found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("n", [60, 300])
def test_copies_are_recognised_and_other_trainings_are_not(n: int, n_classes: int) -> None:
    for seed in range(3):
        labels, logits = trained(n, n_classes, seed)
        for name in ("logistic", "discriminant", "network 0"):
            for power in POWERS:
                copy = method_of(labels, powered(logits[name], power))
                assert is_rescaled_copy(copy, method_of(labels, logits["network 1"], logits[name])), (name, power)
        for one, other in combinations(logits, 2):
            pair = [method_of(labels, logits[each]) for each in (one, other)]
            assert not is_rescaled_copy(*pair), (one, other)
            assert not is_rescaled_copy(method_of(labels, powered(logits[one], 2.0)), pair[1]), (one, other)


def test_labels_are_compared_by_their_odds() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, (100, 3))
    logits = 2.0 * labels - 1 + random.standard_normal((100, 3))
    other = 2.0 * labels - 1 + random.standard_normal((100, 3))
    source = method_of(labels, logits, kind="labels")
    assert is_rescaled_copy(method_of(labels, 3 * logits, kind="labels"), source)
    assert not is_rescaled_copy(method_of(labels, other, kind="labels"), source)


def test_constants_values_and_predicted_classes_are_not_compared() -> None:
    labels, logits = np.arange(40) % 2, np.random.default_rng(0).standard_normal((40, 2))
    source, copy = method_of(labels, logits), method_of(labels, 2 * logits)
    assert is_rescaled_copy(copy, source)
    assert not is_rescaled_copy(copy, method_of(labels, logits, varies=False))
    assert not is_rescaled_copy(method_of(labels, 2 * logits, run={"elsewhere": {"outputs": "labels"}}), source)
    assert not is_rescaled_copy(method_of(labels, logits, kind="values"), method_of(labels, logits, kind="values"))
    assert not is_rescaled_copy(method_of(labels[:10], 2 * logits[:10]), method_of(labels[:10], logits[:10]))
