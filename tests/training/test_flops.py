"""Operations are counted as torch's own counter has them."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mmbench.training.flops import count_flops


class Product(nn.Module):
    """Products that are no layer."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("bij,bkj->bik", x, x) @ torch.matmul(x, x.mT[0]).softmax(dim=-1)


class Choice(nn.Module):
    """An operator that takes functions."""

    def forward(self, x: Tensor) -> Tensor:
        chosen: Tensor = torch.cond(x.sum() > 0, lambda x: x @ x.mT, lambda x: 2 * x @ x.mT, (x,))
        return chosen


NETWORKS = {
    "convolution": (lambda: nn.Sequential(nn.Conv1d(3, 6, 4), nn.GELU(), nn.Conv1d(6, 6, 3, groups=3)), (2, 3, 20)),
    "recurrence": (lambda: nn.GRUCell(5, 7), (2, 5)),
    "normalisation": (lambda: nn.Sequential(nn.BatchNorm1d(4), nn.LayerNorm(5), nn.Linear(5, 3)), (2, 4, 5)),
    "products": (Product, (2, 4, 5)),
    "choice": (Choice, (2, 4, 5)),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("inference", [False, True])
def test_the_count_is_that_of_torch(name: str, inference: bool) -> None:
    make, shape = NETWORKS[name]
    net, x = make().eval(), torch.randn(shape)

    def forward() -> Tensor:
        with torch.inference_mode(inference):
            given: Tensor = net(x)
            return given

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        forward()
    assert count_flops(forward) == counter.get_total_flops() > 0


def transformer(frozen: bool) -> nn.Module:
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    return nn.TransformerEncoder(layer, 2).eval().requires_grad_(not frozen)


@pytest.mark.parametrize("frozen", [False, True])
def test_flops_of_attention_are_counted_where_torch_fuses_it(frozen: bool) -> None:
    tokens = torch.randn(1, 10, 32)
    # A layer: four projections, scores and their use, two layers of the perceptron.
    by_hand = 2 * 2 * (4 * 10 * 32 * 32 + 2 * 10 * 10 * 32 + 2 * 10 * 32 * 64)
    net = transformer(frozen)
    assert count_flops(lambda: net(tokens)) == by_hand
    assert torch.backends.mha.get_fastpath_enabled()


def test_flops_of_layers_and_of_numpy() -> None:
    x = torch.randn(1, 3, 20)
    assert count_flops(lambda: nn.Conv1d(3, 5, 4)(x)) == 2 * 5 * 17 * 3 * 4
    assert count_flops(lambda: nn.Linear(20, 7)(x)) == 2 * 3 * 20 * 7
    assert count_flops(lambda: torch.from_numpy(np.fft.rfft(x.numpy()))) == 0
