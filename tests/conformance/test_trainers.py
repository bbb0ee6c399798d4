"""The checks of trainers pass the host's, and each finds the fault that it is for."""

from typing import ClassVar

import pytest
import torch
from torch import nn

from mmbench import Batches, Choice, Network, Trainer, TrainerContext
from mmbench.builtin.trainers.adamw import AdamW
from mmbench.conformance import check_trainer


def failures(cls: type[Trainer]) -> dict[str, str]:
    """The messages of the checks that fail, by check."""
    outcomes = [check.run() for check in check_trainer(cls)]
    return {outcome.name: outcome.message for outcome in outcomes if not outcome.ok}


class Keeping(Trainer):
    """Starts from the weights of the training before."""

    name = "keeping"
    left: ClassVar[dict[str, dict[str, torch.Tensor]]] = {}

    def fit(self, model: Network, train: Batches, validation: Batches, context: TrainerContext) -> None:
        assert isinstance(model, nn.Module)
        key = str([tuple(each.shape) for each in model.parameters()])
        if key in self.left:
            model.load_state_dict(self.left[key])
        super().fit(model, train, validation, context)
        self.left[key] = {name: each.clone() for name, each in model.state_dict().items()}


class Adding(Trainer):
    """Adds a layer to the network."""

    name = "adding"

    def fit(self, model: Network, train: Batches, validation: Batches, context: TrainerContext) -> None:
        model.fusion.more = nn.Linear(1, 1)
        super().fit(model, train, validation, context)


class Hooking(Trainer):
    """Changes the outputs of the network by a hook."""

    name = "hooking"

    def fit(self, model: Network, train: Batches, validation: Batches, context: TrainerContext) -> None:
        model.fusion.register_forward_hook(lambda module, given, output: 2 * output)
        super().fit(model, train, validation, context)


class Endless(Trainer):
    """Does not stop when the host says so."""

    name = "endless"

    def fit(self, model: Network, train: Batches, validation: Batches, context: TrainerContext) -> None:
        for _ in range(context.n_epochs + 1):
            list(train)
            context.end_epoch(1.0)


class Idle(Trainer):
    """Learns nothing."""

    name = "idle"

    def fit(self, model: Network, train: Batches, validation: Batches, context: TrainerContext) -> None:
        list(train)
        context.end_epoch(1.0)


class Undeclared(Trainer):
    """Declares a search space that does not have its default."""

    name = "undeclared"
    space: ClassVar = {"rate": Choice(1, 2)}

    def __init__(self, *, rate: int = 3) -> None:
        self.rate = rate


def test_the_trainer_of_the_host_passes() -> None:
    assert failures(AdamW) == {}


@pytest.mark.parametrize(
    ("cls", "check", "message"),
    [
        (Keeping, "determinism", "a network that is fitted again gets other weights"),
        (Adding, "restored", "it adds or removes weights"),
        (Hooking, "restored", "a network with the restored weights gives other outputs"),
        (Endless, "budget", "trainer endless: "),
        (Idle, "modalities", "no weight of a network of 1 modality has changed"),
        (Undeclared, "space", "the default rate=3 is outside"),
    ],
)
def test_a_fault_is_found(cls: type[Trainer], check: str, message: str) -> None:
    found = failures(cls)
    assert message in found[next(name for name in found if check in name)]
