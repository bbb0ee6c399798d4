"""Estimators of scikit-learn: the numbers of scikit-learn itself, gaps, absent classes, inner folds."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import SVC, SVR

from mmbench import EstimatorContext, SklearnEstimator, SpecError, Task, TokenSpec
from mmbench.builtin.estimators.sklearn import Sklearn

TASKS = {
    "class": Task("class", ("a", "b", "c")),
    "labels": Task("labels", ("a", "b")),
    "values": Task("values", ("a", "b")),
}


class Made(SklearnEstimator):
    """What the test makes."""

    name = "made"

    def __init__(self, model: Any, components: int = 0) -> None:
        self.model, self.components = model, components
        self.contexts: list[EstimatorContext] = []

    def make(self, context: EstimatorContext) -> Any:
        self.contexts.append(context)
        return self.model()


def context(kind: str, n: int, groups: Any = None, length: int | None = 2) -> EstimatorContext:
    codes = np.arange(n) if groups is None else groups
    return EstimatorContext(TASKS[kind], codes, {"a": TokenSpec(length, 3), "b": TokenSpec(1, 2)}, seed=0)


def tokens(n: int, seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {"a": random.normal(size=(n, 1, 2, 3)).astype("f4"), "b": random.normal(size=(n, 1, 1, 2)).astype("f4")}


def flat(x: dict[str, Any]) -> Any:
    return np.concatenate([x["a"].reshape(-1, 6), x["b"].reshape(-1, 2)], axis=1).astype(float)


def test_outputs_are_those_of_scikit_learn() -> None:
    x, test = tokens(60), tokens(20, seed=1)
    target = (flat(x)[:, 0] > 0).astype(int) + (flat(x)[:, 1] > 0)
    made = Made(LogisticRegression)
    made.fit(x, target, context("class", 60))
    expected = LogisticRegression().fit(flat(x), target).predict_log_proba(flat(test))
    np.testing.assert_allclose(made.predict(test), expected, atol=1e-8)


def test_values_stay_in_their_units() -> None:
    x, test = tokens(60), tokens(20, seed=1)
    target = np.stack([1e6 + 100 * flat(x)[:, 0], flat(x)[:, 1]], axis=1)
    made, single = Made(Ridge), Made(SVR)
    made.fit(x, target, context("values", 60))
    np.testing.assert_allclose(made.predict(test), Ridge().fit(flat(x), target).predict(flat(test)))
    single.fit(x, target, context("values", 60))  # it takes one target at a time
    expected = [SVR().fit(flat(x), column).predict(flat(test)) for column in target.T]
    np.testing.assert_allclose(single.predict(test), np.transpose(expected))


def test_the_factor_of_decision_values_keeps_the_predicted_class() -> None:
    x, test = tokens(80), tokens(40, seed=1)
    random = np.random.default_rng(3)
    target = np.digitize(flat(x)[:, 0] + random.normal(size=80), [-0.5, 0.5])
    groups = np.arange(80) // 4
    made = Made(SVC)
    made.fit(x, target, context("class", 80, groups))
    outputs = made.predict(test)
    model = SVC().fit(flat(x), target)
    # scikit-learn's own prediction breaks ties of pairwise votes in another way unless it is asked not to
    np.testing.assert_array_equal(outputs.argmax(axis=1), model.decision_function(flat(test)).argmax(axis=1))
    np.testing.assert_allclose(np.exp(outputs).sum(axis=1), 1.0, atol=1e-5)
    assert made.fitted[0].factor != 1.0


def test_a_class_without_training_samples_is_least_probable() -> None:
    x = tokens(30)
    made = Made(LogisticRegression)
    made.fit(x, np.where(flat(x)[:, 0] > 0, 2, 0), context("class", 30))
    assert (made.predict(x).argmin(axis=1) == 1).all()


def test_a_label_of_one_value_is_constant() -> None:
    x = tokens(30)
    made = Made(LogisticRegression)
    made.fit(x, np.stack([flat(x)[:, 0] > 0, np.zeros(30)], axis=1).astype(int), context("labels", 30))
    outputs = made.predict(x)
    assert ((outputs[:, 0] > 0) == (flat(x)[:, 0] > 0)).mean() > 0.9
    assert (outputs[:, 1] < -10).all()


def test_a_missing_modality_is_the_mean_and_has_a_column() -> None:
    x = tokens(40)
    x["b"][::4] = np.nan
    target = (np.arange(40) % 4 == 0).astype(int)  # only that it is missing tells the class
    made = Made(LogisticRegression)
    made.fit(x, target, context("class", 40))
    assert made._fill([each.reshape(40, -1).astype(float) for each in x.values()]).shape == (40, 9)
    assert (made.predict(x)[:, :2].argmax(axis=1) == target).all()
    whole = Made(LogisticRegression)
    whole.fit(tokens(40), np.arange(40) % 2, context("class", 40))
    assert np.isfinite(whole.predict(x)).all()


def test_padding_beyond_the_length_does_not_matter() -> None:
    x = tokens(30)
    made = Made(Ridge)
    made.fit(x, flat(x)[:, :2], context("values", 30, length=None))
    padded = np.concatenate([x["a"], np.full_like(x["a"], np.nan)], axis=2)
    np.testing.assert_array_equal(made.predict({**x, "a": padded}), made.predict(x))


def test_many_features_are_reduced() -> None:
    x = tokens(30)
    made = Made(Ridge, components=2)
    made.fit(x, flat(x)[:, :2], context("values", 30))
    assert made.fitted[0].n_features_in_ == 4  # 2 of each modality; b has no more
    few = {name: each[:5] for name, each in x.items()}
    made = Made(Ridge, components=6)
    made.fit(few, flat(few)[:, :2], context("values", 5))
    assert made.fitted[0].n_features_in_ == 8
    constant = {**x, "a": np.tile(x["a"][:, :, :1, :1], (1, 1, 2, 3))}
    made = Made(Ridge, components=4)
    made.fit(constant, flat(x)[:, :2], context("values", 30))
    assert made.fitted[0].n_features_in_ == 3  # the six equal features have one component


def test_what_does_not_fit_the_task_is_an_error() -> None:
    x = tokens(30)
    with pytest.raises(SpecError, match="Ridge without predict_proba or decision_function"):
        Made(Ridge).fit(x, np.arange(30) % 3, context("class", 30))
    with pytest.raises(SpecError, match="LogisticRegression, which predicts no values"):
        Made(LogisticRegression).fit(x, flat(x)[:, :2], context("values", 30))


@pytest.mark.parametrize("model", ["svm", "knn", "logistic"])
def test_components_of_noise_do_not_count_as_much_as_those_of_the_signal(model: Any) -> None:
    """Six classes that differ in five directions of 600 features: reduced to 140 components, they are told apart."""
    random = np.random.default_rng(0)
    target = np.arange(300) % 6
    directions = random.normal(size=(6, 5)) @ random.normal(size=(5, 600)) / 2
    x = {"a": (directions[target] + random.normal(size=(300, 600)))[:, None, None].astype("f4")}
    about = EstimatorContext(Task("class", tuple("uvwxyz")), np.arange(150), {"a": TokenSpec(1, 600)}, seed=0)
    estimator = Sklearn(model=model, components=140)
    estimator.fit({"a": x["a"][:150]}, target[:150], about)
    predicted = estimator.predict({"a": x["a"][150:]}).argmax(axis=1)
    assert (predicted == target[150:]).mean() > 0.95


def test_features_are_standardised_where_an_estimator_asks_for_it() -> None:
    x = tokens(60)
    x["b"] *= 1000
    made = Made(Ridge)
    made.standardized = True
    made.fit(x, flat(x)[:, :2], context("values", 60))
    features = made._fill([each.reshape(60, -1).astype(float) for each in x.values()])
    np.testing.assert_allclose(features.std(axis=0), 1)
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-12)
