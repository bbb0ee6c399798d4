"""The built-in estimators: every model and every way to fuse, on tasks of all kinds."""

from typing import Any

import numpy as np
import pytest

from mmbench import EstimatorContext, SpecError, Task, TokenSpec
from mmbench.builtin.estimators.sklearn import Sklearn

MODELS = ("logistic", "svm", "forest", "boosting", "ridge", "knn")
FUSE = ("early", "late", "stack")
INPUTS = {"one": TokenSpec(2, 3), "other": TokenSpec(None, 2, 3)}


def samples(n: int, seed: int) -> tuple[dict[str, Any], Any]:
    """Two modalities, of which each tells a part of three classes; instances, tokens and modalities are missing."""
    random = np.random.default_rng(seed)
    classes = random.integers(0, 3, n)
    one = random.normal(size=(n, 1, 2, 3)) + 4 * (classes == 1)[:, None, None, None]
    other = random.normal(size=(n, 3, 5, 2)) + 4 * (classes == 2)[:, None, None, None]
    other[::2, 2], other[:, :, 4:] = np.nan, np.nan
    one[::9] = np.nan
    return {"one": one.astype("f4"), "other": other.astype("f4")}, classes


def fitted(task: Task, target: Any, x: dict[str, Any], **params: Any) -> Sklearn:
    made = Sklearn(trees=10, **params)
    made.fit(x, target, EstimatorContext(task, np.arange(len(target)) // 4, INPUTS, seed=0))
    return made


@pytest.mark.parametrize("fuse", FUSE)
@pytest.mark.parametrize("model", MODELS)
def test_models_learn_every_kind_of_task(model: Any, fuse: Any) -> None:
    x, classes = samples(60, 0)
    test, true = samples(40, 1)
    made = fitted(Task("class", ("a", "b", "c")), classes, x, model=model, fuse=fuse)
    assert (made.predict(test).argmax(axis=1) == true).mean() > 0.7
    labels = np.stack([classes == 1, classes == 2], axis=1).astype(int)
    outputs = fitted(Task("labels", ("a", "b")), labels, x, model=model, fuse=fuse).predict(test)
    assert ((outputs > 0) == np.stack([true == 1, true == 2], axis=1)).mean() > 0.7
    values = Task("values", ("a",))
    if model == "logistic":
        with pytest.raises(SpecError, match="choose ridge"):
            fitted(values, classes[:, None] * 10.0, x, model=model, fuse=fuse)
    else:
        outputs = fitted(values, classes[:, None] * 10.0, x, model=model, fuse=fuse).predict(test)
        assert np.corrcoef(outputs[:, 0], true)[0, 1] > 0.5


def test_late_leaves_out_a_missing_modality() -> None:
    x, classes = samples(60, 0)
    made = fitted(Task("class", ("a", "b", "c")), classes, x, fuse="late")
    alone = {**x, "one": np.full_like(x["one"], np.nan)}
    np.testing.assert_allclose(made.predict(alone), made.parts["other"].predict({"other": x["other"]}))


def test_no_group_is_on_both_sides_of_an_inner_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    fit = Sklearn._fit
    monkeypatch.setattr(
        Sklearn, "_fit", lambda self, x, y, context: (seen.append(context.groups), fit(self, x, y, context))[1]
    )
    x, classes = samples(60, 0)
    fitted(Task("class", ("a", "b", "c")), classes, x, fuse="stack", model="knn")
    inner = [groups for groups in seen if len(groups) < 60]
    assert len(inner) == 10
    for groups in inner:
        assert (np.unique(groups, return_counts=True)[1] == 4).all()


def test_stacking_one_group_is_an_error() -> None:
    x, classes = samples(20, 0)
    context = EstimatorContext(Task("class", ("a", "b", "c")), np.zeros(20, dtype=int), INPUTS, seed=0)
    with pytest.raises(SpecError, match="needs two groups"):
        Sklearn(fuse="stack").fit(x, classes, context)


def test_only_parameters_of_the_model_are_tuned() -> None:
    assert {model: sorted(Sklearn.tuned(model=model)) for model in MODELS} == {
        "logistic": ["c"],
        "svm": ["c"],
        "forest": ["depth", "trees"],
        "boosting": ["rate", "trees"],
        "ridge": ["alpha"],
        "knn": ["k"],
    }


@pytest.mark.parametrize(("name", "value"), [("c", 0.0), ("trees", 0), ("k", 0), ("alpha", -1.0), ("components", -1)])
def test_values_out_of_range_are_errors(name: str, value: Any) -> None:
    with pytest.raises(SpecError, match=name):
        Sklearn(**{name: value})
