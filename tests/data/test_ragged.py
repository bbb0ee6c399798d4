"""Instances of unequal length: kept without padding, padded per batch, standardised over their own steps."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench import Modality
from mmbench.data.batches import Inputs, PresenceSource, Stream
from mmbench.data.ragged import RaggedArray, clear_padding, flatten_padded, open_axis
from mmbench.data.sources import Rows
from mmbench.data.standardize import fit_standardizer

SERIES, TOKENS = 1, 0


class Ragged:
    """A source in memory: series ``(3, time)`` or tokens ``(time, 3)``."""

    def __init__(self, lengths: np.ndarray, axis: int, seed: int = 0) -> None:
        self.lengths, self.present = lengths, lengths > 0
        flat = np.random.default_rng(seed).normal([5, 0, -9], [1, 3, 0.1], (lengths.sum(), 3)).astype(np.float32)
        self.array = RaggedArray(flat, lengths, axis)

    def read(self, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
        return self.array.read(rows), self.present[rows]


def draw_lengths(n: int = 30, instances: int = 2) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 12, (n, instances))


@given(
    lengths=st.lists(st.lists(st.integers(0, 6), min_size=2, max_size=2), min_size=1, max_size=5),
    axis=st.sampled_from([SERIES, TOKENS]),
    data=st.data(),
)
@settings(max_examples=50, deadline=None)
def test_padding_and_flattening_are_inverse(lengths: list[list[int]], axis: int, data: st.DataObject) -> None:
    source = Ragged(np.array(lengths), axis)
    rows = np.array(data.draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1, max_size=6)))
    x = source.array.read(rows)
    assert x.shape[2 + axis] == max(1, source.lengths[rows].max())
    steps = [
        source.array.flat[start : start + n]
        for start, n in zip(source.array.starts[rows].ravel(), source.lengths[rows].ravel(), strict=True)
    ]
    assert np.array_equal(flatten_padded(x, source.lengths[rows], axis), np.concatenate(steps))
    spoilt = x + 7
    clear_padding(spoilt, source.lengths[rows], axis)
    assert np.array_equal(flatten_padded(spoilt, source.lengths[rows], axis), np.concatenate(steps) + 7)
    assert np.count_nonzero(spoilt) == np.count_nonzero(np.concatenate(steps) + 7)


@pytest.mark.parametrize("axis", [SERIES, TOKENS])
def test_statistics_are_over_the_steps_of_training_instances(axis: int) -> None:
    source = Ragged(draw_lengths(), axis)
    train = np.arange(20)
    found = fit_standardizer(source, [train], np.zeros(30, dtype=np.int64), over_time=axis == SERIES)
    steps = source.array.flat[: source.lengths[train].sum()]
    np.testing.assert_allclose(found.mean.ravel(), steps.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(found.std.ravel(), steps.std(axis=0), rtol=1e-4)
    assert found.mean.shape == ((1, 3, 1) if axis == SERIES else (1, 1, 3))


@pytest.mark.parametrize("axis", [SERIES, TOKENS])
def test_batches_are_the_same_from_memory_and_from_the_source(axis: int, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Ragged(draw_lengths(), axis)
    standardizer = fit_standardizer(source, [np.arange(20)], np.zeros(30, dtype=np.int64), over_time=axis == SERIES)
    kept = Stream(source, standardizer, 30, axis)
    monkeypatch.setattr("mmbench.data.batches._IN_MEMORY", 0)
    read = Stream(source, standardizer, 30, axis)
    for rows in (np.arange(30), np.array([7, 3, 3, 29])):
        one, other = kept.batch(rows), read.batch(rows)
        assert all(torch.equal(first, second) for first, second in zip(one, other, strict=True))
        padded = torch.arange(one.x.shape[2 + axis]) >= one.lengths[..., None]
        assert not one.x.movedim(2 + axis, 2)[padded].any()
        assert one.x.any()


def test_no_present_instance_has_statistics_of_zero() -> None:
    source = Ragged(np.zeros((4, 2), dtype=np.int64), SERIES)
    found = fit_standardizer(source, [np.arange(4)], np.zeros(4, dtype=np.int64), over_time=True)
    assert not found.mean.any()
    assert (found.std == 1).all()
    assert Stream(source, found, 4, SERIES).batch(np.arange(4)).x.shape == (4, 2, 3, 1)


def test_sizes_weigh_modalities_equally_and_are_none_where_lengths_are_equal() -> None:
    short, long = Ragged(np.array([[1], [3]]), TOKENS), Ragged(np.array([[300], [100]]), SERIES)
    inputs = Inputs({"a": Stream(short, None, 2), "b": Stream(long, None, 2, SERIES)})
    assert inputs.sizes(np.arange(2)).tolist() == [2.0, 2.0]
    assert Inputs({"a": Stream(PresenceSource(np.ones((2, 1), dtype=bool)), None, 2)}).sizes(np.arange(2)) is None


def test_the_open_axis() -> None:
    assert open_axis(Modality("a", "audio", (1, None))) == 1
    assert open_axis(Modality("v", "video", (None, 3, 8, 8))) == 0
    assert open_axis(Modality("t", "text", ())) == 0
