"""Counts and scores of predicted classes agree with scikit-learn's; a score that is no number is an error."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score
from sklearn.metrics import confusion_matrix as sklearn_confusion

from mmbench import Metric, PluginError
from mmbench.training.metrics import balanced_accuracy, check_metric, confusion_matrix, score, score_all, score_outputs

PAIRS = st.integers(2, 5).flatmap(
    lambda n: st.tuples(
        st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), min_size=1, max_size=40)
    )
)


@settings(deadline=None)
@given(PAIRS)
def test_scores_are_those_of_scikit_learn(case: tuple[int, list[tuple[int, int]]]) -> None:
    n_classes, pairs = case
    labels, predictions = np.array(pairs).T
    scores = score_all(labels, predictions, n_classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes that are predicted but do not occur
        expected = {
            "accuracy": accuracy_score(labels, predictions),
            "balanced_accuracy": balanced_accuracy_score(labels, predictions),
            "macro_f1": f1_score(labels, predictions, average="macro", zero_division=0),
        }
    assert scores == pytest.approx(expected)
    counts = confusion_matrix(labels, predictions, n_classes)
    assert float(balanced_accuracy(counts)) == scores["balanced_accuracy"]


def test_rows_are_labels() -> None:
    labels, predictions = np.array([0, 0, 2, 2, 2]), np.array([1, 0, 2, 2, 0])
    counts = confusion_matrix(labels, predictions, 3)
    np.testing.assert_array_equal(counts, sklearn_confusion(labels, predictions, labels=[0, 1, 2]))


def test_matrices_are_scored_in_stacks() -> None:
    stack = np.random.default_rng(0).integers(0, 5, size=(4, 3, 2, 2)).astype(float)
    scores = balanced_accuracy(stack)
    assert scores.shape == (4, 3)
    assert scores[2, 1] == float(balanced_accuracy(stack[2, 1]))


def test_nothing_scores_nothing() -> None:
    assert float(balanced_accuracy(np.zeros((3, 3)))) == 0.0


class Nothing(Metric):
    name = "nothing"
    title = "nothing"
    kinds = ("class",)
    additive = False

    def score(self, target: np.ndarray, outputs: np.ndarray) -> float:
        return float("nan") if len(target) > 1 else 0.0


def test_a_score_that_is_no_number_names_its_metric() -> None:
    labels, outputs = np.array([0, 1]), np.eye(2)
    with pytest.raises(PluginError, match=r"metric nothing: gives nan for 2 samples"):
        score(Nothing(), labels, outputs)
    assert score_outputs({"own": Nothing()}, labels[:1], outputs[:1]) == {"own": 0.0}


class Made(Metric):
    """An additive metric whose two functions a test chooses."""

    name = "made"
    title = "made"
    kinds = ("class",)

    def __init__(self, tally: Callable[..., Any], from_sums: Callable[..., Any]) -> None:
        self.tally, self.from_sums = tally, from_sums  # type: ignore[method-assign]


def counts(target: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    return np.column_stack([np.ones(len(target)), outputs.argmax(axis=1) == target])


def changed(target: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    target[:] = outputs.argmax(axis=1)
    return counts(target, outputs)


def share(sums: np.ndarray) -> np.ndarray:
    return sums[..., 1] / sums[..., 0]


@pytest.mark.parametrize(
    ("tally", "from_sums", "why"),
    [
        (counts, lambda sums: 1 / 0, r"cannot score 2 samples \(ZeroDivisionError"),
        (counts, lambda sums: None, r"cannot score 2 samples \(TypeError"),
        (counts, lambda sums: 7.0, "gives 7.0, which is not from 0 to 1"),
        (changed, share, "cannot score 2 samples .*read-only"),
    ],
)
def test_a_metric_that_cannot_score_is_named(
    tally: Callable[..., Any], from_sums: Callable[..., Any], why: str
) -> None:
    labels = np.array([0, 1])
    with pytest.raises(PluginError, match=f"metric made: {why}"):
        score(Made(tally, from_sums), labels, np.eye(2)[::-1])
    assert labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("tally", "from_sums", "why"),
    [
        (counts, lambda sums: sums[..., 1] / 10, "gives another score for doubled sums"),
        (counts, lambda sums: float(sums[1] / sums[0]), "cannot score 2 samples"),
        (counts, lambda sums: sums, r"gives scores of the shape \(2, 2\)"),
        (
            lambda target, outputs: np.ones(len(target)),
            lambda sums: sums / sums,
            r"tallies 2 samples to the shape \(2,\)",
        ),
    ],
)
def test_sums_of_additive_metrics_may_be_multiplied(
    tally: Callable[..., Any], from_sums: Callable[..., Any], why: str
) -> None:
    check_metric(Made(counts, share), np.array([0, 1]), np.eye(2))
    with pytest.raises(PluginError, match=f"metric made: {why}"):
        check_metric(Made(tally, from_sums), np.array([0, 1]), np.eye(2))
