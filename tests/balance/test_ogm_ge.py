"""OGM-GE: coefficients of the paper, and gradients that are scaled by them."""

import pytest
import torch

from mmbench import Network, TrainerContext, TrainingStep
from mmbench.conformance.trainers import PARTS, SETTINGS, TrainerCase, build, make_samples
from mmbench.training.loop import fit
from mmbench_balance.ogm_ge import OgmGe, coefficients, confidence

CPU = torch.device("cpu")


def test_the_coefficient_of_the_dominant_modality_is_that_of_the_paper() -> None:
    # rho = 1.6 / 0.8 = 2, and 1 - tanh(0.5 * 2) = 0.2384058
    assert coefficients({"a": 1.6, "b": 0.8}, 0.5) == pytest.approx({"a": 0.2384058440442351, "b": 1.0})


def test_more_than_two_are_compared_with_the_mean_of_the_others() -> None:
    # means of the others 0.45, 0.6, 0.75: rho = 2, 1, 0.4
    found = coefficients({"a": 0.9, "b": 0.6, "c": 0.3}, 0.5)
    assert found == pytest.approx({"a": 0.2384058440442351, "b": 1.0, "c": 1.0})


def test_confidence_sums_the_probabilities_of_the_true_class() -> None:
    outputs = torch.tensor([[4.0, 1.0], [4.0, 1.0]]).log()
    assert confidence(outputs, torch.tensor([0, 1])) == pytest.approx(0.8 + 0.2)
    labels = torch.tensor([[1.0, 3.0]]).log()  # probabilities 0.5 and 0.75
    assert confidence(labels, torch.tensor([[1.0, 0.0]])) == pytest.approx((0.5 + 0.25) / 2)


class Watching(OgmGe):
    """Compares the gradients before and after the modulation."""

    def __init__(self, *, alpha: float = 0.5, noise: bool = False) -> None:
        super().__init__(alpha=alpha, noise=noise)
        self.factors: list[dict[str, float]] = []
        self.spread: list[float] = []

    def after_backward(self, model: Network, step: TrainingStep, context: TrainerContext) -> None:
        before = {name: [p.grad.clone() for p in each] for name, each in step.by_modality.items()}
        with torch.no_grad():
            outputs = context.unimodal_outputs(step.tokens)
        scores = {name: confidence(outputs[name], step.target) for name in outputs}
        expected = coefficients(scores, self.alpha)
        super().after_backward(model, step, context)
        for name, parameters in step.by_modality.items():
            for parameter, gradient in zip(parameters, before[name], strict=True):
                noise = parameter.grad - expected[name] * gradient
                if self.noise and parameter.ndim > 1:
                    self.spread.append(float(noise.std() / gradient.std()))
                else:
                    assert not noise.any()
        self.factors.append(expected)


def train(trainer: OgmGe) -> None:
    task = TrainerCase(OgmGe, {}).task
    inputs, labels = make_samples(3, task)
    fit(build(3, task), inputs, PARTS, labels, SETTINGS, seed=0, device=CPU, trainer=trainer)


def test_gradients_of_encoders_are_scaled_by_their_coefficients() -> None:
    watching = Watching()
    train(watching)
    factors = [factor for each in watching.factors for factor in each.values()]
    assert len(factors) == 3 * 15
    assert min(factors) < 1 == max(factors)


def test_noise_has_the_standard_deviation_of_the_gradients() -> None:
    watching = Watching(noise=True)
    train(watching)
    assert watching.spread == pytest.approx([1.0] * len(watching.spread), abs=0.3)
    assert sum(watching.spread) / len(watching.spread) == pytest.approx(1.0, abs=0.05)
