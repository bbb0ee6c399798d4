"""What a model reads is scaled by what it may know, and absent instances stay zero."""

import numpy as np
import pytest
import torch

from mmbench.data.batches import Inputs, MemoryBudget, PresenceSource, Stream
from mmbench.data.sources import Rows, find_row_size
from mmbench.data.standardize import Standardizer, fit_standardizer


class Arrays:
    """A source in memory."""

    lengths = None

    def __init__(self, x: np.ndarray, present: np.ndarray | None = None) -> None:
        self.x = x.astype(np.float32)
        self.present = np.ones(x.shape[:2], dtype=bool) if present is None else present

    def read(self, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
        return self.x[rows], self.present[rows]


def signal(n: int = 40, seed: int = 0, loc: float = 0.0, scale: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(loc, scale, size=(n, 2, 3, 10))


def everybody(n: int) -> np.ndarray:
    return np.zeros(n, dtype=np.int64)


def scaled(source: Arrays, parts: list[np.ndarray], group: np.ndarray, over_time: bool = True) -> np.ndarray:
    n = len(source.x)
    return Stream(source, fit_standardizer(source, parts, group, over_time), n).batch(np.arange(n)).x.numpy()


def test_time_series_are_scaled_by_channel_over_bags_and_time() -> None:
    x = signal(loc=5, scale=3) * np.array([1, 10, 100])[:, None]
    values = scaled(Arrays(x), [np.arange(40)], everybody(40))
    np.testing.assert_allclose(values.mean(axis=(0, 1, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(values.std(axis=(0, 1, 3)), 1, atol=1e-5)
    expected = (x - x.mean(axis=(0, 1, 3), keepdims=True)) / x.std(axis=(0, 1, 3), keepdims=True)
    np.testing.assert_allclose(values, expected, atol=1e-4)


def test_tokens_are_scaled_by_position() -> None:
    x = signal(loc=5, scale=3)
    values = scaled(Arrays(x), [np.arange(40)], everybody(40), over_time=False)
    expected = (x - x.mean(axis=(0, 1))) / x.std(axis=(0, 1))
    np.testing.assert_allclose(values, expected, atol=1e-4)


@pytest.mark.parametrize("n", [255, 256, 257, 600])
def test_reading_in_pieces_changes_nothing(n: int) -> None:
    x = signal(n)[:, :1]
    found = fit_standardizer(Arrays(x), [np.arange(n)], everybody(n), True)
    np.testing.assert_allclose(found.mean[0, :, 0], x.mean(axis=(0, 1, 3)), atol=1e-6)
    np.testing.assert_allclose(found.std[0, :, 0], x.std(axis=(0, 1, 3)), atol=1e-6)


def test_standardisation_uses_training_rows_only() -> None:
    train, test = np.arange(0, 30), np.arange(30, 40)
    x = signal()
    before = scaled(Arrays(x), [train], everybody(40))
    x[test] = 1e3 * signal(seed=1)[test] + 77
    after = scaled(Arrays(x), [train], everybody(40))
    assert np.array_equal(before[train], after[train])
    x[train[0]] += 1
    assert not np.array_equal(before[train[1:]], scaled(Arrays(x), [train], everybody(40))[train[1:]])


def test_each_subject_is_scaled_by_its_own_rows() -> None:
    group = np.repeat([0, 1, 2], [10, 10, 20])
    parts = [np.flatnonzero(group == subject) for subject in range(3)]
    x = signal() + 100.0 * group[:, None, None, None]
    before = scaled(Arrays(x), parts, group)
    for rows in parts:
        np.testing.assert_allclose(before[rows].mean(axis=(0, 1, 3)), 0, atol=1e-4)
        np.testing.assert_allclose(before[rows].std(axis=(0, 1, 3)), 1, atol=1e-4)
    x[parts[1]] *= 50
    after = scaled(Arrays(x), parts, group)
    assert np.array_equal(before[group != 1], after[group != 1])


def test_absent_instances_are_zero_and_ignored() -> None:
    present = np.random.default_rng(0).random((40, 2)) < 0.6
    x = signal(loc=9)
    x[~present] = 1e6
    source = Arrays(x, present)
    values = scaled(source, [np.arange(40)], everybody(40))
    assert not values[~present].any()
    np.testing.assert_allclose(values[present].mean(axis=(0, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(values[present].std(axis=(0, 2)), 1, atol=1e-5)


def test_parts_in_which_nothing_is_present_are_left_as_they_are() -> None:
    group = np.repeat([0, 1], 20)
    present = np.repeat(group[:, None] == 0, 2, axis=1)
    parts = [np.flatnonzero(group == subject) for subject in range(2)]
    for over_time in (True, False):
        values = scaled(Arrays(signal(), present), parts, group, over_time)
        assert np.isfinite(values).all()
        assert not values[group == 1].any()


def test_a_feature_that_never_changes_stays_finite_and_becomes_zero() -> None:
    for constant in (0.0, 0.1, 1e6, -3e-9):
        x = signal()
        x[:, :, 1] = constant
        for over_time in (True, False):
            values = scaled(Arrays(x), [np.arange(40)], everybody(40), over_time)
            assert np.isfinite(values).all()
            np.testing.assert_allclose(values[:, :, 1], 0, atol=1e-4)


def test_a_large_offset_costs_no_digits() -> None:
    x = (signal(n=600) * 100 + 1e6).astype(np.float32)
    exact = x.astype(np.float64)
    found = fit_standardizer(Arrays(x), [np.arange(600)], everybody(600), True)
    np.testing.assert_allclose(found.mean[0, :, 0], exact.mean(axis=(0, 1, 3)), atol=0.1)
    np.testing.assert_allclose(found.std[0, :, 0], exact.std(axis=(0, 1, 3)), rtol=1e-5)


def test_streams_too_large_for_memory_read_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    present = np.random.default_rng(0).random((40, 2)) < 0.6
    source = Arrays(signal(), present)
    standardizer = fit_standardizer(source, [np.arange(20)], everybody(40), True)
    rows = np.array([7, 3, 3, 39])
    kept = Stream(source, standardizer, 40).batch(rows)
    monkeypatch.setattr("mmbench.data.batches._IN_MEMORY", 100)
    stream = Stream(source, standardizer, 40)
    source.x = source.x + 0  # what was not kept is read from here
    read = stream.batch(rows)
    assert torch.equal(kept.x, read.x)
    assert torch.equal(kept.present, read.present)
    assert stream._kept is None


def test_streams_share_the_memory_of_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Arrays(signal())
    size = find_row_size(source, np.arange(40)) * 40
    monkeypatch.setattr("mmbench.data.batches._IN_MEMORY", 2 * size)
    budget = MemoryBudget()
    streams = [Stream(source, None, 40, budget=budget) for _ in range(3)]
    assert [stream._kept is not None for stream in streams] == [True, True, False]
    assert budget.left == 0
    assert MemoryBudget(decoded=True).left > MemoryBudget().left, "reading again would decode again"
    rows = np.array([7, 3])
    assert all(torch.equal(stream.batch(rows).x, streams[0].batch(rows).x) for stream in streams)


def test_reading_a_batch_does_not_change_the_stored_data() -> None:
    source = Arrays(signal())
    stream = Stream(source, None, 40)
    before = source.x.copy()
    stream.batch(np.arange(5)).x.fill_(7)
    assert np.array_equal(source.x, before)
    assert not (stream.batch(np.arange(5)).x == 7).any()


def test_images_stay_bytes() -> None:
    class Pictures(Arrays):
        def __init__(self) -> None:
            self.x = np.full((4, 1, 3, 2, 2), 200, dtype=np.uint8)
            self.present = np.ones((4, 1), dtype=bool)

    assert Stream(Pictures(), None, 4).batch(np.array([1])).x.dtype == torch.uint8


def test_raw_instances_come_from_memory_if_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    source, rows = Arrays(signal(loc=5)), np.array([3, 1])
    scaled = Stream(source, fit_standardizer(source, [np.arange(40)], everybody(40), True), 40)
    plain = Stream(source, None, 40)
    before = source.x[rows].copy()
    assert np.array_equal(scaled.raw(rows)[0], before)
    source.x = source.x + 1
    assert np.array_equal(plain.raw(rows)[0], before)
    monkeypatch.setattr("mmbench.data.batches._IN_MEMORY", 100)
    assert np.array_equal(Stream(source, None, 40).raw(rows)[0], before + 1)


def test_an_unused_modality_is_presence_alone() -> None:
    present = np.array([[True, False], [False, False]])
    batch = Inputs({"face": Stream(PresenceSource(present), None, 2)}).batch(np.array([1, 0]), torch.device("cpu"))
    assert batch["face"].x.shape == (2, 2, 0, 0)
    assert batch["face"].present.tolist() == [[False, False], [True, False]]


def test_a_standardizer_takes_the_statistics_of_the_rows_group() -> None:
    standardizer = Standardizer(
        np.array([[0.0], [10.0]], dtype=np.float32), np.array([[1.0], [2.0]], dtype=np.float32), np.array([0, 1, 1])
    )
    values = standardizer(np.full((2, 1, 1), 14.0, dtype=np.float32), np.array([2, 0]))
    assert values.ravel().tolist() == [2.0, 14.0]
