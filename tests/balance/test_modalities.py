"""What all trainers share: where they are the training of the host, and what they refuse."""

import pytest
import torch

from mmbench import SpecError, Tokens, Trainer
from mmbench.builtin.trainers.adamw import AdamW
from mmbench.conformance.trainers import PARTS, SETTINGS, TrainerCase, build, make_samples
from mmbench.training.checkpoints import weights_digest
from mmbench.training.loop import fit
from mmbench_balance.gradient_blending import GradientBlending
from mmbench_balance.mmpareto import MMPareto
from mmbench_balance.modalities import pool
from mmbench_balance.ogm_ge import OgmGe
from mmbench_balance.pmr import Pmr

TRAINERS = (OgmGe, Pmr, GradientBlending, MMPareto)


@pytest.mark.parametrize(
    ("cls", "params"),
    [(OgmGe, {"alpha": 0.0}), (Pmr, {"alpha": 0.0, "mu": 0.0})],
)
def test_without_modulation_it_gives_the_bits_of_the_host(cls: type[Trainer], params: dict[str, float]) -> None:
    (one, _, first), (other, _, second) = (
        TrainerCase(each, given).fit() for each, given in ((AdamW, {}), (cls, params))
    )
    assert weights_digest(one) == weights_digest(other)
    assert first.history == second.history
    changed, _, _ = TrainerCase(cls, {}).fit()
    assert weights_digest(changed) != weights_digest(one)


@pytest.mark.parametrize("cls", TRAINERS)
def test_a_single_modality_is_trained_as_by_the_host(cls: type[Trainer]) -> None:
    (one, _, first), (other, _, second) = (TrainerCase(each, {}).fit(1) for each in (AdamW, cls))
    assert weights_digest(one) == weights_digest(other)
    assert first.history == second.history


@pytest.mark.parametrize("cls", TRAINERS)
def test_encoders_that_are_not_trained_cannot_be_balanced(cls: type[Trainer]) -> None:
    task = TrainerCase(cls, {}).task
    model, (inputs, labels) = build(2, task), make_samples(2, task)
    model.encoders.requires_grad_(False)
    with pytest.raises(
        SpecError, match=f"trainer {cls.name}: balances the training of encoders, but those of first, s"
    ):
        fit(model, inputs, PARTS, labels, SETTINGS, seed=0, device=torch.device("cpu"), trainer=cls())


def test_tokens_are_pooled_over_those_that_are_there() -> None:
    x = torch.tensor([[[[1.0], [3.0]], [[5.0], [7.0]]], [[[9.0], [9.0]], [[9.0], [9.0]]]])
    mask = torch.tensor([[[True, True], [True, False]], [[False, False], [False, False]]])
    found = pool(Tokens(x * mask[..., None], mask.any(dim=2), mask))
    assert found.tolist() == [[3.0], [0.0]]
