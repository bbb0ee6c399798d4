"""Outputs and losses of the built-in fusions on tokens of one length, as they were before lengths could be open.

Equal up to the rounding of other processors; a change beyond it would change published scores.
"""

from collections.abc import Mapping

import pytest
import torch
from torch.nn.functional import cross_entropy

from mmbench import Fusion, Tokens, TokenSpec
from mmbench.builtin.fusions.abmil import AttentionMil
from mmbench.builtin.fusions.attention import Attention
from mmbench.builtin.fusions.bottleneck import Bottleneck
from mmbench.builtin.fusions.concat import Concat
from mmbench.builtin.fusions.gated import Gated
from mmbench.builtin.fusions.late import Late
from mmbench.builtin.fusions.linear import Linear
from mmbench.builtin.fusions.lowrank import LowRank
from mmbench.builtin.fusions.mult import CrossModal
from mmbench.builtin.fusions.only import Only
from mmbench.builtin.fusions.tensor import Tensorial
from mmbench.training import sum_losses

INPUTS = {"eeg": TokenSpec(4, 5), "face": TokenSpec(2, 6, 3), "pose": TokenSpec(1, 3, 2)}

# The outputs of the first sample and the loss of the batch, from a seed.
VALUES: list[tuple[type[Fusion], Mapping[str, object], list[float]]] = [
    (Concat, {}, [-0.095550, 0.027567, 0.025483, 1.104522]),
    (Concat, {"pool": "mean"}, [0.014487, 0.117031, 0.242622, 1.098363]),
    (Late, {}, [-0.068618, 0.015729, 0.077125, 2.213282]),
    (Late, {"combine": "probabilities", "pool": "mean"}, [-1.349262, -0.815523, -1.210123, 2.437993]),
    (Only, {"modality": "face"}, [0.028534, -0.051431, -0.096628, 1.068766]),
    (Gated, {}, [-0.073544, 0.198574, 0.009336, 1.084251]),
    (Tensorial, {}, [0.149414, 0.086725, 0.160862, 1.093911]),
    (LowRank, {}, [0.151101, 0.061637, -0.018025, 1.089555]),
    (CrossModal, {}, [-0.018205, 0.417367, 0.199935, 1.090344]),
    (Bottleneck, {}, [-0.546601, -0.006953, 0.377388, 1.159114]),
    (AttentionMil, {}, [-0.093573, 0.167120, -0.261268, 1.159073]),
    (Attention, {}, [0.169514, -0.235546, 0.161680, 1.043611]),
    (Linear, {}, [-0.027900, 0.049792, 0.299715, 1.083475]),
]


def batch(n: int = 8) -> dict[str, Tokens]:
    """Random tokens; sample 0 is complete, one lacks each modality, the last lacks all."""
    random = torch.Generator().manual_seed(1)
    tokens = {}
    for number, (name, spec) in enumerate(INPUTS.items()):
        present = torch.rand(n, spec.instances, generator=random) > 0.3
        present[0] = True
        present[[number + 1, -1]] = False
        tokens[name] = Tokens(torch.randn(n, spec.instances, spec.length, spec.dim, generator=random), present)
    return tokens


@pytest.mark.parametrize(("cls", "params", "expected"), VALUES)
def test_fixed_lengths_give_the_values_of_before(cls: type, params: dict, expected: list[float]) -> None:
    torch.manual_seed(0)
    fusion = cls(INPUTS, 3, **params).eval()
    for parameter in fusion.parameters():
        parameter.data.add_(0.02 * torch.randn_like(parameter))
    tokens = batch()
    with torch.no_grad():
        outputs = fusion(tokens)[0].tolist()
        loss = sum_losses(fusion.training_loss(tokens, torch.arange(8) % 3, cross_entropy)).item()
    assert [*outputs, loss] == pytest.approx(expected, abs=2e-5)
