"""A fusion that some of its parameters break, for tests of tuning."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from mmbench import Choice, Fusion, Int, SpecError, Tokens, TokenSpec, hookimpl

Fault = Literal["none", "spec", "memory", "bug", "diverges"]


class Brittle(Fusion):
    """Logistic regression on the mean tokens, but for its faults."""

    name = "brittle"
    space: ClassVar = {"fault": Choice("none", "spec", "memory", "bug", "diverges"), "dim": Int(2, 6)}

    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int, *, dim: int = 4, fault: Fault = "none") -> None:
        super().__init__(inputs, n_outputs)
        if fault == "spec":
            raise SpecError("cannot be built", where="brittle[fault]", remedy="choose another")
        self.fault = fault
        self.project = nn.ModuleDict({name: nn.Linear(spec.dim, dim) for name, spec in sorted(inputs.items())})
        self.head = nn.Linear(dim, n_outputs)

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        if self.fault == "memory":
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 1 TB")
        if self.fault == "bug":
            raise ZeroDivisionError("an oversight\nin two lines")
        summed = torch.stack([self.project[name](tokens[name].x.mean(dim=(1, 2))) for name in sorted(tokens)]).sum(0)
        logits: Tensor = self.head(summed)
        return logits * float("nan") if self.fault == "diverges" else logits


@hookimpl
def register_fusions(register: Callable[[type[Fusion]], None]) -> None:
    register(Brittle)
