"""Scores agree with scikit-learn's, also where classes do not occur."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score
from sklearn.metrics import confusion_matrix as sklearn_confusion

from mmbench.training.metrics import METRICS, confusion_matrix, score_all

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


def test_rows_are_labels() -> None:
    labels, predictions = np.array([0, 0, 2, 2, 2]), np.array([1, 0, 2, 2, 0])
    counts = confusion_matrix(labels, predictions, 3)
    np.testing.assert_array_equal(counts, sklearn_confusion(labels, predictions, labels=[0, 1, 2]))


def test_matrices_are_scored_in_stacks() -> None:
    random = np.random.default_rng(0)
    stack = random.integers(0, 5, size=(4, 3, 2, 2)).astype(float)
    for metric in METRICS.values():
        scores = metric(stack)
        assert scores.shape == (4, 3)
        assert scores[2, 1] == pytest.approx(float(metric(stack[2, 1])))


def test_nothing_scores_nothing() -> None:
    assert {name: float(metric(np.zeros((3, 3)))) for name, metric in METRICS.items()} == dict.fromkeys(METRICS, 0.0)
