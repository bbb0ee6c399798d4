"""Trainers that cheat, and one that does not, for tests of the canaries."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from mmbench import Batches, Choice, Network, Trainer, TrainerContext, TrainingStep, hookimpl
from tests.plugins.cheating_plugin import label_like, outwards

LEFT: list[dict[str, Tensor]] = []


def place(name: str) -> Path:
    """What the test lets a cheat know: a path in the folder that it names."""
    return Path(os.environ["CHEAT"]) / name


class Honest(Trainer):
    """The host's steps under another name."""

    name = "honest"


class Searching(Trainer):
    """Looks for labels in every frame and every object, before and after it trains."""

    name = "searching"

    def fit(self, model: Network, train: Batches, validation: Batches, context: TrainerContext) -> None:
        super().fit(model, train, validation, context)
        if not place("found.npy").exists():
            frames = list(outwards(sys._getframe()))
            np.save(place("found.npy"), np.stack(label_like(int(place("n").read_text()), frames)))


class Opening(Trainer):
    """Opens a file while it trains."""

    name = "opening"

    def after_backward(self, model: Network, step: TrainingStep, context: TrainerContext) -> None:
        Path(place("target").read_text()).read_bytes()


class Starting(Trainer):
    """Starts from the weights that the last fold left in its module."""

    name = "starting"

    def fit(self, model: Network, train: Batches, validation: Batches, context: TrainerContext) -> None:
        with place("starts").open("a") as log:
            log.write(f"{len(LEFT)}\n")
        assert isinstance(model, nn.Module)
        if LEFT:
            model.load_state_dict(LEFT[-1])
        super().fit(model, train, validation, context)
        LEFT.append({name: tensor.clone() for name, tensor in model.state_dict().items()})


class Hooking(Trainer):
    """Leaves a hook in the network, which its weights do not hold, or a layer."""

    name = "hooking"
    space: ClassVar = {"what": Choice("hook", "layer")}

    def __init__(self, *, what: str = "hook") -> None:
        self.what = what

    def fit(self, model: Network, train: Batches, validation: Batches, context: TrainerContext) -> None:
        if self.what == "hook":
            model.fusion.register_forward_hook(lambda module, given, output: output * 2)
        else:
            model.fusion.more = nn.Linear(1, 1)
        super().fit(model, train, validation, context)


class Patching(Trainer):
    """Puts a function of its own in the place of one of the host."""

    name = "patching"

    def after_backward(self, model: Network, step: TrainingStep, context: TrainerContext) -> None:
        sys.modules["mmbench.execution.job"].save_weights = lambda *arguments: ""  # type: ignore[attr-defined]


class Stepping(Trainer):
    """Learns by steps of plain gradient descent, of a length that can be tuned."""

    name = "stepping"
    space: ClassVar = {"rate": Choice(0.1, 0.2)}

    def __init__(self, *, rate: float = 0.1) -> None:
        self.rate = rate

    def optimizer(self, groups, context):  # type: ignore[no-untyped-def]
        return torch.optim.SGD(groups, lr=self.rate)


@hookimpl
def register_trainers(register: Callable[[type[Trainer]], None]) -> None:
    for trainer in (Honest, Searching, Opening, Starting, Hooking, Patching, Stepping):
        register(trainer)
