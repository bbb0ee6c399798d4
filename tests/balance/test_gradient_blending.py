"""Gradient blending: weights from losses, and the budget of passes of its two stages."""

import pytest

from mmbench import SpecError, Training
from mmbench.conformance.trainers import TrainerCase
from mmbench_balance.gradient_blending import GradientBlending, Losses, blend


def test_weights_are_generalisation_over_squared_overfitting() -> None:
    # fused: G 0.3, O 0.3, G / O² = 3.33; a: G 0.1, O 0.1, G / O² = 10
    losses = {"fused": (Losses(1.0, 1.0), Losses(0.4, 0.7)), "a alone": (Losses(1.0, 1.0), Losses(0.8, 0.9))}
    assert blend(losses) == pytest.approx({"fused": 0.25, "a alone": 0.75})


def test_a_loss_that_did_not_generalise_has_no_weight() -> None:
    worse, better = (Losses(1.0, 1.0), Losses(0.5, 1.1)), (Losses(1.0, 1.0), Losses(0.8, 0.9))
    assert blend({"a": worse, "b": better}) == pytest.approx({"a": 0.0, "b": 1.0})
    assert blend({"a": worse, "b": worse}) == pytest.approx({"a": 0.5, "b": 0.5})


def test_the_passes_of_both_stages_are_in_the_budget() -> None:
    case = TrainerCase(GradientBlending, {"probe": 0.5})
    _, _, fitted = case.fit(settings=Training(epochs=8, batch_size=8, patience=8))
    assert len(fitted.history) == 4


def test_too_few_passes_are_refused() -> None:
    with pytest.raises(SpecError, match="needs 2 passes to find the weights and one or more to train, of 2"):
        TrainerCase(GradientBlending, {}).fit(settings=Training(epochs=2, batch_size=8))
