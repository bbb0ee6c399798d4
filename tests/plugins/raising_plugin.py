"""An encoder, a fusion and a metric that raise, give NaN or change from call to call where a parameter says so."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mmbench import Encoder, Fusion, Metric, Modality, Tokens, TokenSpec, hookimpl

Place = Literal["nowhere", "build", "forward", "evaluation"]


class RaisingEncoder(Encoder):
    """A linear layer on vectors ``(n, features)``; raises ZeroDivisionError ``at`` a place, or gives NaN there."""

    name = "raising-encoder"
    kinds = ("vector",)

    def __init__(self, modality: Modality, *, at: Place = "nowhere", nan: bool = False, frozen: bool = False) -> None:
        super().__init__(modality)
        self.at, self.nan, self.frozen = at, nan, frozen
        self.project = nn.Linear(modality.fixed_shape[0], 4).requires_grad_(not frozen)
        self.out = TokenSpec(1, 4)
        if at == "build":
            self._fail(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        tokens: Tensor = self.project(x)[:, None]
        if self.at == "forward" or (self.at == "evaluation" and not torch.is_grad_enabled()):
            return self._fail(tokens)
        return tokens

    def _fail(self, tokens: Tensor) -> Tensor:
        if not self.nan:
            raise ZeroDivisionError("an oversight\nin two lines")
        return tokens * float("nan")


class RaisingFusion(Fusion):
    """Logistic regression on the mean tokens; raises KeyError ``at`` a place."""

    name = "raising-fusion"

    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int, *, at: Place = "nowhere") -> None:
        super().__init__(inputs, n_outputs)
        self.at = at
        self.heads = nn.ModuleDict({name: nn.Linear(spec.dim, n_outputs) for name, spec in sorted(inputs.items())})
        if at == "build":
            raise KeyError("hidden")

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        if self.at == "forward":
            raise KeyError("hidden")
        return torch.stack([self.heads[name](tokens[name].x.mean(dim=(1, 2))) for name in sorted(tokens)]).sum(0)


class RandomMetric(Metric):
    """Accuracy of a random half of the samples: another score in each call."""

    name = "random-accuracy"
    kinds = ("class",)
    title = "accuracy of a random half"
    bounds: ClassVar = (0.0, 1.0)
    additive = False

    def score(self, target: NDArray[np.generic], outputs: NDArray[np.floating]) -> float:
        chosen = np.random.default_rng().random(len(target))
        return float(np.average(outputs.argmax(axis=1) == target, weights=chosen))


@hookimpl
def register_encoders(register: Callable[[type[Encoder]], None]) -> None:
    register(RaisingEncoder)


@hookimpl
def register_fusions(register: Callable[[type[Fusion]], None]) -> None:
    register(RaisingFusion)


@hookimpl
def register_metrics(register: Callable[[type[Metric]], None]) -> None:
    register(RandomMetric)
