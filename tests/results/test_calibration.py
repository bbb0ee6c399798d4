"""Calibration agrees with scikit-learn and with values worked out by hand."""

import json
from dataclasses import asdict
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss

from mmbench.results.calibration import (
    N_BINS,
    Calibration,
    calibrate,
    cell_tallies,
    expected_calibration_error,
    make_reliability_bins,
    measure_calibration_error,
)
from mmbench.results.statistics import Outcomes


def simulate(
    random: np.random.Generator, people: int, windows: int, n_classes: int = 2, heat: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels drawn from the probabilities of logits, which are then ``heat`` times as large; 1: a perfect model."""
    ease = random.normal(0, 0.6, (people, 1, n_classes))
    logits = (random.normal(0, 1.2, (people, windows, n_classes)) + ease).reshape(-1, n_classes)
    odds = np.exp(logits).cumsum(axis=1)
    labels = (odds > random.random((len(odds), 1)) * odds[:, -1:]).argmax(axis=1)
    return labels, heat * logits, np.repeat(np.arange(people).astype(str), windows)


def calibrated(labels: np.ndarray, *seeds: np.ndarray, units: np.ndarray) -> Calibration:
    """Calibration of logits ``(n, C)``, one a seed; each unit has a fold of its own."""
    unit = np.unique(units, return_inverse=True)[1]
    stacked = np.stack(seeds)
    return calibrate(Outcomes(labels, stacked.argmax(axis=2), unit, unit, stacked.shape[2]), stacked)


def tallies_of(labels: np.ndarray, logits: np.ndarray, units: np.ndarray) -> np.ndarray:
    return cell_tallies(labels, logits, np.unique(units, return_inverse=True)[1])


def guo(labels: np.ndarray, logits: np.ndarray) -> float:
    """The error as the authors compute it, a bin at a time (github.com/gpleiss/temperature_scaling)."""
    confidence, named = torch.from_numpy(logits).softmax(dim=1).max(dim=1)
    right, edges, total = named.eq(torch.from_numpy(labels)), torch.linspace(0, 1, N_BINS + 1), 0.0
    for low, high in pairwise(edges):
        inside = confidence.gt(low) & confidence.le(high)
        if inside.any():
            gap = confidence[inside].mean() - right[inside].double().mean()
            total += float(gap.abs() * inside.double().mean())
    return total


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 5), st.integers(1, 60), st.integers(0, 2**32 - 1), st.floats(0.1, 4))
def test_scores_are_those_of_scikit_learn_and_of_guo(n_classes: int, n: int, seed: int, heat: float) -> None:
    random = np.random.default_rng(seed)
    labels, logits = random.integers(0, n_classes, n), heat * random.normal(size=(n, n_classes))
    units = random.integers(0, 4, n).astype(str)
    found = calibrated(labels, logits, units=units)
    probabilities = torch.from_numpy(logits).softmax(dim=1).numpy()
    classes = list(range(n_classes))
    assert found.nll.mean == pytest.approx(log_loss(labels, probabilities, labels=classes), rel=1e-9)
    each = [brier_score_loss(labels == place, probabilities[:, place], pos_label=True) for place in classes]
    assert found.brier.mean == pytest.approx(sum(each))
    assert found.ece == pytest.approx(guo(labels, logits), abs=1e-6)


def test_values_worked_out_by_hand() -> None:
    logits = np.log([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7], [0.5, 0.5]])
    found = calibrated(np.array([0, 1, 1, 0]), logits, units=np.array(["a", "a", "b", "b"]))
    # Bins: 0.9 twice, once right; 0.7 and right; 0.5 and right.
    assert found.ece == pytest.approx((2 * abs(0.9 - 0.5) + 0.3 + 0.5) / 4)
    assert found.brier.mean == pytest.approx((0.02 + 1.62 + 0.18 + 0.5) / 4)
    assert found.nll.mean == pytest.approx(-np.log([0.9, 0.1, 0.7, 0.5]).mean())
    shown = {
        place: (bar.count, bar.confidence, bar.accuracy) for place, bar in enumerate(found.reliability) if bar.count
    }
    assert shown == {
        7: (1, pytest.approx(0.5), 1.0), 10: (1, pytest.approx(0.7), 1.0), 13: (2, pytest.approx(0.9), 0.5)
    }  # fmt: skip
    assert (found.reliability[0].low, found.reliability[-1].high, len(found.reliability)) == (0, 1, N_BINS)
    assert json.loads(json.dumps(asdict(found)))["reliability"][0]["accuracy"] is None


def test_large_logits_neither_overflow_nor_lose_the_true_class() -> None:
    found = calibrated(np.array([1, 0]), np.array([[1e4, 0.0], [1e4, 0.0]]), units=np.array(["a", "b"]))
    assert found.nll.mean == pytest.approx(5000)
    assert found.brier.mean == pytest.approx(1.0)
    assert found.ece == pytest.approx(0.5)


def test_a_bin_reaches_up_to_its_edge() -> None:
    third = np.log([[1 / 3, 1 / 3, 1 / 3], [0.2, 0.2, 0.6]])
    counts = [bar.count for bar in make_reliability_bins(tallies_of(np.array([0, 2]), third, np.array(["a", "a"]))[0])]
    assert counts[4] + counts[5] == 1, "a third is the edge of two bins, and rounding may put it into either"
    assert counts[8] + counts[9] == 1


def test_a_perfect_model_has_the_expected_calibration_error() -> None:
    random = np.random.default_rng(0)
    labels, logits, units = simulate(random, 100, 1000, n_classes=3)
    many = calibrated(labels, logits, units=units)
    assert many.ece < 0.006
    # The ECE expected under perfect calibration is correct for few and for many samples.
    for n in (40, 400):
        draws = [tallies_of(*simulate(random, n, 1)).sum(axis=0) for _ in range(400)]
        seen = np.mean([measure_calibration_error(tally) for tally in draws])
        assert np.mean([expected_calibration_error(tally) for tally in draws]) == pytest.approx(seen, rel=0.05)


def test_a_model_that_is_too_sure_is_found() -> None:
    random = np.random.default_rng(1)
    labels, logits, units = simulate(random, 40, 50, heat=3.0)
    sure = calibrated(labels, logits, units=units)
    assert sure.ece > 3 * sure.ece_by_luck
    bars = [bar for bar in sure.reliability if bar.count > 50]
    assert all(bar.confidence > bar.accuracy for bar in bars)


def test_the_expected_calibration_error_is_binomial() -> None:
    tally = np.zeros((N_BINS, 5))
    tally[13, :3] = 10, 9.0, 9
    draws = np.random.default_rng(0).binomial(10, 0.9, 200_000)
    assert expected_calibration_error(tally) == pytest.approx(np.abs(draws / 10 - 0.9).mean(), rel=0.01)
    tally[13, :3] = 10, 10.0, 10
    assert expected_calibration_error(tally) == 0


def test_seeds_are_averaged_and_their_bars_added() -> None:
    random = np.random.default_rng(2)
    labels, logits, units = simulate(random, 8, 20)
    one, other = (heat * logits for heat in (1.0, 2.0))
    both = calibrated(labels, one, other, units=units)
    alone = [calibrated(labels, each, units=units) for each in (one, other)]
    for name in ("ece", "ece_by_luck"):
        assert getattr(both, name) == pytest.approx(np.mean([getattr(each, name) for each in alone]))
    assert both.nll.mean == pytest.approx(np.mean([each.nll.mean for each in alone]))
    assert sum(bar.count for bar in both.reliability) == 2 * len(labels)
    assert asdict(calibrated(labels, one, one, units=units).brier) == pytest.approx(asdict(alone[0].brier))


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    random, rounds, held = np.random.default_rng(3), 400, 0
    labels, logits, units = simulate(random, 5000, 20)
    truth = calibrated(labels, logits, units=units).brier.mean
    for _ in range(rounds):
        labels, logits, units = simulate(random, 20, 20)
        interval = calibrated(labels, logits, units=units).brier
        held += interval.low <= truth <= interval.high
    assert 0.93 <= held / rounds <= 0.995


def test_one_person_gives_no_interval_and_valid_json() -> None:
    found = calibrated(np.array([0, 1]), np.zeros((2, 2)), units=np.array(["a", "a"]))
    assert (found.brier.low, found.brier.high) == (0, 2)
    assert found.nll.low == 0
    assert json.loads(json.dumps(asdict(found), allow_nan=False))["nll"]["high"] > 1e300
