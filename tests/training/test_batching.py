"""Batches are random; where lengths differ, samples of similar length are together."""

import numpy as np
import pytest

from mmbench.training.batches.batching import prediction_order, training_batches


def lengths(n: int) -> np.ndarray:
    """As in UTD-MHAD: between 107 and 326 steps, mostly short."""
    return (107 + 219 * np.random.default_rng(0).beta(2, 4, n)).round()


def padding(batches: list[np.ndarray], of: np.ndarray) -> float:
    """The share of steps that are padding."""
    return 1 - sum(of[each].sum() for each in batches) / sum(of[each].max() * len(each) for each in batches)


@pytest.mark.parametrize("n", [1, 2, 31, 33, 64, 65, 257, 650])
@pytest.mark.parametrize("size", [1, 32])
@pytest.mark.parametrize("ragged", [True, False])
def test_every_sample_is_in_one_batch_but_a_single_last_one(n: int, size: int, ragged: bool) -> None:
    rows = np.arange(n) * 3
    batches = list(training_batches(rows, size, np.random.default_rng(0), lengths(n) if ragged else None))
    seen = np.concatenate(batches)
    assert len(set(seen.tolist())) == len(seen) == n - (n > 1 and size > 1 and n % size == 1)
    assert set(seen.tolist()) <= set(rows.tolist())
    assert max(map(len, batches)) <= size
    assert n == 1 or size == 1 or min(map(len, batches)) > 1


def test_padding_stays_under_a_fifth() -> None:
    of = lengths(650)
    rows = np.arange(650)
    assert padding(list(training_batches(rows, 32, np.random.default_rng(0), of)), of) < 0.2
    assert padding(list(training_batches(rows, 32, np.random.default_rng(0), None)), of) > 0.25


def test_the_order_is_random_in_every_epoch() -> None:
    of, random = lengths(650), np.random.default_rng(0)
    first, second = (list(training_batches(np.arange(650), 32, random, of)) for _ in range(2))
    assert {tuple(sorted(each)) for each in first}.isdisjoint(tuple(sorted(each)) for each in second)
    means = [of[each].mean() for each in first]
    assert abs(np.corrcoef(np.arange(len(means)), means)[0, 1]) < 0.6, "batches are not in order of length"


def test_equal_lengths_are_drawn_as_before() -> None:
    rows = np.random.default_rng(1).permutation(100)
    batches = list(training_batches(rows, 32, np.random.default_rng(0), None))
    expected = np.random.default_rng(0).permutation(rows)
    assert np.array_equal(np.concatenate(batches), expected)
    assert [len(each) for each in batches] == [32, 32, 32, 4]


def test_predictions_start_with_the_longest() -> None:
    assert prediction_order(np.array([1.0, 3.0, 2.0])).tolist() == [1, 2, 0]
    assert prediction_order(None) is None
