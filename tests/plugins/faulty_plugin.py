"""A fusion that fails as often as files in a folder demand, for tests of jobs that fail or die."""

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from mmbench import Fusion, Tokens, TokenSpec, hookimpl

BATCH = 7  # of the trainings; the trials that the host makes of a fusion are of other sizes


class Faulty(Fusion):
    """Logistic regression on the mean tokens; each file in ``folder`` is one accident of a training, and is used up."""

    name = "faulty"

    def __init__(self, inputs: Mapping[str, TokenSpec], n_outputs: int, *, folder: str = "") -> None:
        super().__init__(inputs, n_outputs)
        self.folder = folder
        self.heads = nn.ModuleDict({name: nn.Linear(spec.dim, n_outputs) for name, spec in sorted(inputs.items())})

    def forward(self, tokens: Mapping[str, Tokens]) -> Tensor:
        parts = [self.heads[name](tokens[name].x.mean(dim=(1, 2))) for name in sorted(tokens)]
        return torch.stack(parts).sum(0)

    def training_loss(self, tokens: Mapping[str, Tokens], labels: Tensor, criterion: nn.Module) -> Tensor:
        loss: Tensor = criterion(self(tokens), labels)
        if len(labels) == BATCH:
            if self._meets("kill"):
                os.kill(os.getpid(), signal.SIGKILL)
            if self._meets("bug"):
                raise ZeroDivisionError("an oversight\nin two lines")
            if self._meets("diverge"):
                return loss * float("nan")
        return loss

    def _meets(self, accident: str) -> bool:
        for path in sorted(Path(self.folder).glob(f"{accident}-*")) if self.folder else ():
            try:
                path.unlink()
            except FileNotFoundError:  # another process met it
                continue
            return True
        return False


@hookimpl
def register_fusions(register: Callable[[type[Fusion]], None]) -> None:
    register(Faulty)
