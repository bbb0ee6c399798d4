"""MMPareto: the common gradient of two that conflict, and of two that do not."""

import numpy as np
import pytest
import torch

from mmbench_balance.mmpareto import common_gradient, pareto_weight


def test_gradients_without_conflict_are_added() -> None:
    found = common_gradient(torch.tensor([1.0, 0.0]), torch.tensor([1.0, 2.0]), 1.5)
    assert found.tolist() == [3.0, 3.0]


def test_conflicting_ones_follow_the_direction_of_least_norm_with_the_length_of_their_sum() -> None:
    # weight 3/5: 2 (0.6 (1, 0) + 0.4 (-1, 1)) = (0.4, 0.8), of length 0.8944; the sum (0, 1) has length 1
    found = common_gradient(torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 1.0]), 1.0)
    assert found.tolist() == pytest.approx([0.4 / 0.8**0.5, 0.8 / 0.8**0.5])


def test_opposite_gradients_cancel() -> None:
    assert common_gradient(torch.tensor([1.0]), torch.tensor([-1.0]), 1.5).tolist() == [0.0]


@pytest.mark.parametrize("seed", range(5))
def test_the_weight_minimises_the_norm_and_the_direction_descends_on_both(seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    one = torch.randn(4, generator=random)
    other = 0.5 * torch.randn(4, generator=random) - one
    grid = np.linspace(0, 1, 1001)
    norms = [float((a * one + (1 - a) * other).norm()) for a in grid]
    assert pareto_weight(one, other) == pytest.approx(grid[np.argmin(norms)], abs=1e-3)
    common = common_gradient(one, other, 1.5)
    assert float(common @ one) > -1e-5
    assert float(common @ other) > -1e-5
    assert float(common.norm()) == pytest.approx(1.5 * float((one + other).norm()), rel=1e-4)
