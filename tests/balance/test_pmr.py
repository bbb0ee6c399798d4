"""PMR: prototypes, their probabilities, and the weights of the slower modalities."""

from collections.abc import Mapping
from math import exp, log

import pytest
import torch
from torch import Tensor

from mmbench import Network, Tokens, TrainerContext
from mmbench.conformance.trainers import PARTS, SETTINGS, TrainerCase, build, make_samples
from mmbench.training.loop import fit
from mmbench_balance.modalities import is_present, pool
from mmbench_balance.pmr import Pmr, entropy, log_probabilities, slowness


def test_the_slower_of_two_has_the_weight_of_the_paper() -> None:
    assert slowness({"a": 0.6, "b": 0.4}) == pytest.approx({"a": 0.0, "b": 0.5})
    assert slowness({"a": 0.9, "b": 0.3}) == pytest.approx({"a": 0.0, "b": 1.0})  # 0.9 / 0.3 - 1 = 2, clipped
    assert slowness({"a": 0.6, "b": 0.5, "c": 0.4}) == pytest.approx({"a": 0.0, "b": 0.2, "c": 0.5})


def test_probabilities_are_those_of_negative_distances() -> None:
    prototypes = torch.tensor([[0.0, 0.0], [3.0, 4.0], [torch.nan, torch.nan]])
    found = log_probabilities(torch.tensor([[0.0, 0.0]]), prototypes).exp()[0]
    assert found.tolist() == pytest.approx([1 / (1 + exp(-5)), exp(-5) / (1 + exp(-5)), 0.0])


def test_entropy_of_two_equal_classes_is_log_2() -> None:
    assert float(entropy(torch.tensor([[0.5, 0.5, 0.0]]).log())) == pytest.approx(log(2))


class Watching(Pmr):
    """Compares the prototypes with the class means of the first epoch, and keeps the names of the losses."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[Tensor, Tensor]] = []
        self.names: list[set[str]] = []

    def losses(
        self, model: Network, tokens: Mapping[str, Tokens], target: Tensor, context: TrainerContext
    ) -> Mapping[str, Tensor]:
        there = is_present(tokens["first"])
        if self.epoch == 0:
            self.seen.append((pool(tokens["first"])[there].detach(), target[there]))
        found = super().losses(model, tokens, target, context)
        self.names.append(set(found))
        return found

    def before_epoch(self, model: Network, epoch: int, context: TrainerContext) -> None:
        super().before_epoch(model, epoch, context)
        if epoch == 1:
            x, target = (torch.cat(parts) for parts in zip(*self.seen, strict=True))
            means = torch.stack([x[target == c].mean(dim=0) for c in range(model.fusion.n_outputs)])
            assert torch.allclose(self.prototypes["first"], means, atol=1e-6)


def test_prototypes_are_class_means_of_the_epoch_before() -> None:
    watching, task = Watching(), TrainerCase(Pmr, {}).task
    inputs, labels = make_samples(3, task)
    fit(build(3, task), inputs, PARTS, labels, SETTINGS, seed=0, device=torch.device("cpu"), trainer=watching)
    assert watching.names[:3] == [{"loss"}] * 3, "the first epoch is that of the host"
    assert any("entropy" in names and len(names) > 2 for names in watching.names[3:])
