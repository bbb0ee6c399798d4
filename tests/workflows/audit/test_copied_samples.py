"""Copies, noisy copies and mixtures of training samples are found among test samples, without false alarms."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from mmbench.data.splits.fold import Fold
from mmbench.data.splits.folds import make_folds
from mmbench.data.splits.protocols import PROTOCOLS
from mmbench.workflows.audit.copied_samples import (
    NEIGHBOURS,
    estimate_dimensions,
    find_copied_samples,
    make_feature_space,
    ratio_probability,
)

N, WIDTH = 400, 12


def folds_of(n: int) -> list[Fold]:
    return make_folds(np.array([f"{at:04d}" for at in range(n)]), {}, PROTOCOLS["pooled-segment"])


def made(seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64], np.random.Generator]:
    random = np.random.default_rng(seed)
    return random.normal(size=(N, WIDTH)).astype(np.float32), random.integers(0, 2, N), random


def look(x: NDArray[np.float32], labels: NDArray[np.int64], is_vector: bool = True):
    return find_copied_samples(
        make_feature_space({"one": x[:, :5], "other": x[:, 5:]}, labels, None, is_vector), folds_of(len(x)), 0
    )


@pytest.mark.parametrize("seed", range(10))
def test_nothing_is_found_where_nothing_is(seed: int) -> None:
    x, labels, _ = made(seed)
    found = look(x, labels)
    assert (found.near, found.mixed, found.reason) == (0.0, 0.0, "")
    assert found.dimensions == pytest.approx(WIDTH, rel=0.4)


@pytest.mark.parametrize("noise", [0.05, 0.1, 0.2])
def test_noisy_copies_are_found(noise: float) -> None:
    x, labels, random = made(0)
    chosen = random.choice(N, N // 4, replace=False)
    copies = x[chosen] + noise * random.normal(size=(len(chosen), WIDTH)).astype(np.float32)
    found = look(np.concatenate([x, copies]), np.concatenate([labels, labels[chosen]]))
    # Of 500 samples 200 have a copy, and four in five of these in the other parts.
    assert 0.2 < (found.near or 0) < 0.4


def test_likes_of_other_labels_are_no_copies() -> None:
    """A 6 is a 9 upside down, and no model gains by it."""
    x, labels, _ = made(0)
    found = look(np.concatenate([x, x[:100]]), np.concatenate([labels, 1 - labels[:100]]))
    assert found.near == 0.0


@pytest.mark.parametrize("is_vector", [True, False])
def test_mixtures_of_two_neighbours_are_found(is_vector: bool) -> None:
    x, labels, random = made(0)
    ones = np.flatnonzero(labels == 1)[:100]
    apart = np.linalg.norm(x[ones][:, None] - x[None], axis=2)
    apart[:, labels == 0] = np.inf
    others = np.argsort(apart, axis=1)[:, 1]
    part = random.random((100, 1)).astype(np.float32)
    mixed = (1 - part) * x[ones] + part * x[others]
    found = look(np.concatenate([x, mixed]), np.concatenate([labels, np.ones(100, dtype=np.int64)]), is_vector)
    # Through spectra or coarse pixels a line does not stay a line, so nothing is said.
    assert ((found.mixed or 0) > 0.1) if is_vector else found.mixed is None


def test_samples_of_one_recording_are_not_compared() -> None:
    """Windows of a trial are alike by nature; whether a model recognises the trial is asked by the control."""
    x, labels, random = made(0)
    near = x + 0.1 * random.normal(size=x.shape).astype(np.float32)
    recordings = np.tile(np.arange(N), 2)
    space = make_feature_space({"x": np.concatenate([x, near])}, np.tile(labels, 2), recordings, True)
    assert find_copied_samples(space, folds_of(2 * N), 0).near == 0.0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda x: x[:, :1].repeat(2, axis=1), "dimensions, too few to distinguish copies from neighbours"),
        (lambda x: x[:20], "needs 30 test samples, each with 10 training samples of other recordings; here are 20"),
        (
            lambda x: np.where(np.arange(len(x))[:, None] < 390, np.nan, x),
            "30 test samples, each with 10 training samples",
        ),
    ],
    ids=["flat", "few", "incomplete"],
)
def test_inconclusive_distances_give_a_reason(change: Callable, says: str) -> None:
    x, labels, _ = made(0)
    x = change(x).astype(np.float32)
    found = find_copied_samples(make_feature_space({"x": x}, labels[: len(x)], None, True), folds_of(len(x)), 0)
    assert (found.near, found.mixed) == (None, None)
    assert says in found.reason


@pytest.mark.parametrize("dimensions", [4, 8])
def test_ratios_of_distances_follow_the_formula(dimensions: int) -> None:
    """Of uniform points in a ball, distances to the centre are those of a Poisson process."""
    random = np.random.default_rng(0)
    radii = np.sort(random.random((20_000, 200)), axis=1) ** (1 / dimensions)
    ratios = radii[:, 0] / radii[:, NEIGHBOURS - 1]
    assert estimate_dimensions(ratios) == pytest.approx(dimensions, rel=0.05)
    assert np.mean(ratio_probability(ratios, dimensions) < 0.01) == pytest.approx(0.01, rel=0.3)
