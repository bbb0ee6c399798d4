"""OGM-GE: the encoder of a modality that predicts better than the others learns more slowly.

Peng, Wei, Deng, Wang and Hu, Balanced Multimodal Learning via On-the-fly Gradient Modulation, CVPR 2022.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from mmbench import Float, Network, SpecError, Trainer, TrainerContext, TrainingStep
from mmbench_balance.modalities import modalities_to_balance


class OgmGe(Trainer):
    """Gradients of dominant modalities are scaled down, and noise is added (Peng et al., CVPR 2022).

    ``alpha`` is the strength of the modulation; 0 is the training of the host. ``noise`` is generalisation enhancement;
    without it this is OGM. A modality's outputs are those of the fusion with all others absent; in the paper, where the
    fusion is linear, they are its summand of the logits and half of the bias.
    """

    name = "ogm-ge"
    tasks = ("class", "labels")
    space: ClassVar[Mapping[str, Float]] = {"alpha": Float(0.0, 1.0)}

    def __init__(self, *, alpha: float = 0.3, noise: bool = True) -> None:
        if alpha < 0:
            raise SpecError(f"is {alpha}", where="alpha", remedy="give a number from 0")
        self.alpha, self.noise = alpha, noise
        self._generator: torch.Generator | None = None

    def after_backward(self, model: Network, step: TrainingStep, context: TrainerContext) -> None:
        """Scale the gradients of each encoder, and add noise of their standard deviation."""
        names = modalities_to_balance(model, self.name) if self.alpha else ()
        if not names:
            return
        with torch.no_grad(), context.mixed_precision():
            outputs = context.unimodal_outputs(step.tokens)
        scores = {name: confidence(outputs[name], step.target) for name in names}
        factors = coefficients(scores, self.alpha)
        for name in names:
            for parameter in step.by_modality.get(name, ()):
                if parameter.grad is not None:
                    noise = self._draw_noise(parameter.grad, context)
                    parameter.grad.mul_(factors[name]).add_(noise)

    def _draw_noise(self, gradient: Tensor, context: TrainerContext) -> Tensor | float:
        """Noise of the standard deviation of a gradient; none for vectors, such as biases."""
        if not self.noise or gradient.ndim < 2 or gradient.numel() < 2:
            return 0.0
        # A generator of its own: dropout draws the same numbers with and without noise.
        if self._generator is None:
            self._generator = torch.Generator(context.device).manual_seed(context.seed)
        return torch.empty_like(gradient).normal_(generator=self._generator) * gradient.std()


def confidence(outputs: Tensor, target: Tensor) -> float:
    """The sum over a batch of the probabilities of the true class; for labels, their mean over labels."""
    outputs = outputs.float()
    if target.ndim == 1:
        return float(outputs.softmax(dim=1).gather(1, target[:, None]).sum())
    probabilities = outputs.sigmoid()
    return float((target * probabilities + (1 - target) * (1 - probabilities)).mean(dim=1).sum())


def coefficients(scores: Mapping[str, float], alpha: float) -> dict[str, float]:
    """The factor of each modality's gradients: 1 - tanh(alpha rho) where rho > 1, else 1 (Eq. 10).

    The discrepancy ratio rho is the score of a modality over the mean score of the others, which for two
    modalities is the ratio of the paper.
    """
    found = {}
    for name, score in scores.items():
        others = (sum(scores.values()) - score) / (len(scores) - 1)
        ratio = torch.tensor(score / others if others else float("inf"), dtype=torch.float64)
        found[name] = float(1 - torch.tanh(alpha * ratio)) if alpha and ratio > 1 else 1.0
    return found
