"""Metrics agree with scikit-learn, SciPy and MMSA, and are defined where these are not."""

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import softmax
from scipy.stats import pearsonr, spearmanr
from sklearn import metrics as sk

from mmbench import Metric
from mmbench.registry import find_metric, load_registry

Case = tuple[np.ndarray, np.ndarray]
METRICS = {name: find_metric(name) for name in sorted(load_registry().metrics)}
WHOLE = {"auroc", "auprc", "mean_average_precision", "spearman"}
exact = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Both libraries warn of classes that do not occur and of constant predictions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@st.composite
def class_cases(draw: Any) -> Case:
    """Targets, of which some classes may lack, and logits on a coarse grid, so that some are equal."""
    n, width = draw(st.integers(1, 30)), draw(st.integers(2, 5))
    target = draw(arrays(np.int64, n, elements=st.integers(0, width - 1)))
    return target, draw(arrays(np.float32, (n, width), elements=st.integers(-6, 6).map(lambda x: x / 2)))


@st.composite
def label_cases(draw: Any) -> Case:
    n, width = draw(st.integers(1, 30)), draw(st.integers(1, 4))
    target = draw(arrays(np.int64, (n, width), elements=st.integers(0, 1)))
    return target, draw(arrays(np.float32, (n, width), elements=st.integers(-6, 6).map(lambda x: x / 2)))


@st.composite
def value_cases(draw: Any, lowest: int = -1000, highest: int = 1000) -> Case:
    n, width = draw(st.integers(1, 30)), draw(st.integers(1, 3))
    numbers = st.integers(lowest, highest).map(lambda x: x / 8)
    return draw(arrays(np.float64, (n, width), elements=numbers)), draw(
        arrays(np.float32, (n, width), elements=numbers)
    )


def cases_of(metric: Metric) -> st.SearchStrategy[Case]:
    by_kind = {"class": class_cases(), "labels": label_cases(), "values": value_cases()}
    return st.one_of(*(by_kind[kind] for kind in metric.kinds))


def test_which_metrics_are_whole() -> None:
    assert {name for name, metric in METRICS.items() if not metric.additive} == WHOLE


@pytest.mark.parametrize("name", METRICS)
@exact
@given(data=st.data())
def test_scores_are_finite_and_within_bounds(name: str, data: st.DataObject) -> None:
    metric = METRICS[name]
    target, outputs = data.draw(cases_of(metric))
    low, high = metric.bounds
    assert low - 1e-12 <= metric.score(target, outputs) <= high + 1e-12
    assert low <= metric.score(target, np.zeros_like(outputs)) <= high
    assert low <= metric.score(target[:1], outputs[:1]) <= high


@pytest.mark.parametrize("name", sorted(METRICS.keys() - WHOLE))
@exact
@given(data=st.data())
def test_sums_can_be_added_and_scaled(name: str, data: st.DataObject) -> None:
    metric = METRICS[name]
    target, outputs = data.draw(cases_of(metric))
    cut = data.draw(st.integers(0, len(target)))
    tally = metric.tally(target, outputs)
    assert tally.shape[0] == len(target)
    assert (tally[:, 0] == 1).all()
    sums = tally[:cut].sum(axis=0) + tally[cut:].sum(axis=0)
    stack = np.stack([sums, 7.3 * sums, tally[0]])[None]
    found = metric.from_sums(stack)
    assert found.shape == (1, 3)
    assert found[0, 0] == pytest.approx(metric.score(target, outputs), abs=1e-7)
    assert found[0, 1] == pytest.approx(found[0, 0], abs=1e-7)
    assert found[0, 2] == pytest.approx(metric.score(target[:1], outputs[:1]), abs=1e-7)


@exact
@given(class_cases())
def test_metrics_of_classes_are_those_of_scikit_learn(case: Case) -> None:
    target, outputs = case
    predicted = outputs.argmax(axis=1)
    kappa = sk.cohen_kappa_score(target, predicted)
    expected = {
        "accuracy": sk.accuracy_score(target, predicted),
        "balanced_accuracy": sk.balanced_accuracy_score(target, predicted),
        "macro_f1": sk.f1_score(target, predicted, average="macro", zero_division=0),
        "weighted_f1": sk.f1_score(target, predicted, average="weighted", zero_division=0),
        "cohen_kappa": 0.0 if np.isnan(kappa) else kappa,
        "mcc": sk.matthews_corrcoef(target, predicted),
    }
    assert {name: METRICS[name].score(target, outputs) for name in expected} == pytest.approx(expected, abs=1e-12)


@exact
@given(class_cases())
def test_areas_of_classes_are_those_of_scikit_learn(case: Case) -> None:
    target, outputs = case
    shares = softmax(outputs.astype(np.float64), axis=1)
    gaps = np.diff(np.sort(shares, axis=0), axis=0)
    assume(not ((gaps > 0) & (gaps < 1e-9)).any())  # rounding decides which of these are equal
    shares = shares.round(12)
    there = np.unique(target)
    ones = [sk.average_precision_score(target == label, shares[:, label]) for label in there]
    assert METRICS["auprc"].score(target, outputs) == pytest.approx(np.mean(ones))
    if len(there) == 1:
        assert METRICS["auroc"].score(target, outputs) == 0.5
        return
    ones = [sk.roc_auc_score(target == label, shares[:, label]) for label in there]
    assert METRICS["auroc"].score(target, outputs) == pytest.approx(np.mean(ones))
    if len(there) == outputs.shape[1] > 2:
        whole = sk.roc_auc_score(target, softmax(outputs.astype(np.float64), axis=1), multi_class="ovr")
        assert METRICS["auroc"].score(target, outputs) == pytest.approx(whole, abs=0.5 / len(target))


@exact
@given(label_cases())
def test_metrics_of_labels_are_those_of_scikit_learn(case: Case) -> None:
    target, outputs = case
    predicted = (outputs > 0).astype(int)
    macro = sk.f1_score(target, predicted, average="macro", zero_division=np.nan)
    if target.shape[1] == 1:  # scikit-learn reads one column as two classes
        macro = sk.f1_score(target[:, 0], predicted[:, 0], zero_division=np.nan)
        micro = sk.f1_score(target[:, 0], predicted[:, 0], zero_division=0)
        weighted = micro
    else:
        micro = sk.f1_score(target, predicted, average="micro", zero_division=0)
        weighted = sk.f1_score(target, predicted, average="weighted", zero_division=0)
    expected = {
        "macro_f1": 0.0 if np.isnan(macro) else macro,
        "micro_f1": micro,
        "weighted_f1": weighted,
        "exact_match": sk.accuracy_score(target, predicted),
    }
    assert {name: METRICS[name].score(target, outputs) for name in expected} == pytest.approx(expected)


@exact
@given(label_cases())
def test_areas_of_labels_are_those_of_scikit_learn(case: Case) -> None:
    target, outputs = case
    there = [at for at in range(target.shape[1]) if target[:, at].any()]
    mixed = [at for at in there if not target[:, at].all()]
    precisions = [sk.average_precision_score(target[:, at], outputs[:, at]) for at in there]
    areas = [sk.roc_auc_score(target[:, at], outputs[:, at]) for at in mixed]
    found = METRICS["mean_average_precision"].score(target, outputs), METRICS["auroc"].score(target, outputs)
    assert found == pytest.approx((np.mean(precisions) if there else 0.0, np.mean(areas) if mixed else 0.5))


def concordance(y: np.ndarray, p: np.ndarray) -> float:
    """Lin's formula, as its definition reads."""
    spread = y.var() + p.var() + (y.mean() - p.mean()) ** 2
    return 2 * np.mean((y - y.mean()) * (p - p.mean())) / spread if spread else 0.0


@exact
@given(value_cases(), st.sampled_from([0.0, 70.0, 1e5]))
def test_metrics_of_values_are_those_of_scikit_learn_and_scipy(case: Case, offset: float) -> None:
    target, outputs = case[0] + offset, case[1] + np.float32(offset)
    pairs = [(target[:, at], outputs[:, at].astype(np.float64)) for at in range(target.shape[1])]
    varied = [len(np.unique(y)) > 1 and len(np.unique(p)) > 1 for y, p in pairs]
    expected = {
        "mae": sk.mean_absolute_error(target, outputs),
        "rmse": sk.root_mean_squared_error(target, outputs),
        "pearson": np.mean([pearsonr(*pair)[0] if ok else 0.0 for pair, ok in zip(pairs, varied, strict=True)]),
        "spearman": np.mean([spearmanr(*pair)[0] if ok else 0.0 for pair, ok in zip(pairs, varied, strict=True)]),
        "ccc": np.mean([concordance(*pair) for pair in pairs]),
    }
    assert {name: METRICS[name].score(target, outputs) for name in expected} == pytest.approx(expected, abs=1e-9)
    r2 = METRICS["r2"].score(target, outputs)
    if len(target) == 1:
        assert r2 == np.mean([float((y == p).all()) for y, p in pairs])
    else:
        assert r2 == pytest.approx(sk.r2_score(target, outputs), rel=1e-6)


def mmsa(y: np.ndarray, p: np.ndarray) -> dict[str, float]:
    """The scores of ``__eval_mosei_regression`` in MMSA's ``metricsTop.py``."""
    non_zeros = np.array([i for i, e in enumerate(y) if e != 0])
    scores = {
        name: np.sum(np.round(np.clip(p, -top, top)) == np.round(np.clip(y, -top, top))) / float(len(y))
        for name, top in (("acc5", 2.0), ("acc7", 3.0))
    }
    return scores | {
        "acc2_has0": sk.accuracy_score(p >= 0, y >= 0),
        "f1_has0": sk.f1_score(y >= 0, p >= 0, average="weighted"),
        "acc2_non0": sk.accuracy_score(p[non_zeros] > 0, y[non_zeros] > 0),
        "f1_non0": sk.f1_score(y[non_zeros] > 0, p[non_zeros] > 0, average="weighted"),
    }


@exact
@given(value_cases(-32, 32))
def test_metrics_of_sentiment_are_those_of_mmsa(case: Case) -> None:
    target, outputs = case[0][:, :1], case[1][:, :1]
    assume((target != 0).any())
    expected = mmsa(target[:, 0], outputs[:, 0].astype(np.float64))
    assert {name: METRICS[name].score(target, outputs) for name in expected} == pytest.approx(expected)


def sims(y: np.ndarray, p: np.ndarray) -> dict[str, float]:
    """The scores of ``__eval_sims_regression`` in MMSA's ``metricsTop.py``, which cuts float32 at Python's numbers."""
    y, p = (np.clip(each.astype(np.float32), -1.0, 1.0) for each in (y, p))
    scores = {}
    for name, cuts in (("2", [0.0]), ("3", [-0.1, 0.1]), ("5", [-0.7, -0.1, 0.1, 0.7])):
        edges = [-1.01, *cuts, 1.01]
        read = [
            sum(i * ((each > low) & (each <= high)) for i, (low, high) in enumerate(itertools.pairwise(edges)))
            for each in (y, p)
        ]
        scores[f"sims_acc{name}"] = sk.accuracy_score(*read)
        if name == "2":
            scores["sims_f1"] = sk.f1_score(*read, average="weighted")
    return scores


@exact
@given(value_cases(-12, 12))
def test_metrics_of_sims_are_those_of_mmsa(case: Case) -> None:
    target, outputs = (np.round(0.8 * each[:, :1].astype(np.float64), 2) for each in case)
    expected = sims(target[:, 0], outputs[:, 0])
    assert {name: METRICS[name].score(target, outputs) for name in expected} == pytest.approx(expected)


@pytest.mark.parametrize("value", [-0.7, -0.1, 0.0, 0.1, 0.7])
def test_a_value_at_a_cut_of_sims_is_in_the_class_below(value: float) -> None:
    at, above = np.array([[value]], np.float32), np.array([[value + 0.05]])
    assert METRICS["sims_acc5"].score(at, at.astype(np.float64)) == 1.0
    assert METRICS["sims_acc5"].score(at, np.array([[value]])) == 1.0
    assert METRICS["sims_acc5"].score(at, above) == (1.0 if value == 0.0 else 0.0)
    assert METRICS["sims_acc2"].score(np.array([[0.0]]), np.array([[1e-3]])) == 0.0


def test_several_targets_count_equally() -> None:
    random = np.random.default_rng(0)
    target, outputs = random.normal(size=(2, 20, 3))
    outputs += target
    for name, metric in METRICS.items():
        if "values" in metric.kinds:
            alone = [metric.score(target[:, [at]], outputs[:, [at]]) for at in range(3)]
            assert metric.score(target, outputs) == pytest.approx(np.mean(alone)), name


def test_all_targets_zero_leave_nothing_to_score() -> None:
    zeros = np.zeros((4, 1))
    assert METRICS["acc2_non0"].score(zeros, zeros) == METRICS["f1_non0"].score(zeros, zeros) == 0.0


def test_equal_probabilities_of_classes_rank_as_equal() -> None:
    # Class 0 has the same probability in both samples, though its logits differ.
    target, outputs = np.array([0, 1]), np.array([[5.0, 5.0], [1.0, 1.0]])
    assert METRICS["auroc"].score(target, outputs) == 0.5
