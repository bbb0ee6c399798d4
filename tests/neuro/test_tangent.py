"""The tangent space of pyriemann, of full rank and of less, from training windows only."""

import numpy as np
import pytest
import torch
from pyriemann.estimation import Covariances
from pyriemann.tangentspace import TangentSpace as Theirs
from torch import Tensor

from mmbench import Modality
from mmbench_neuro.tangent import TangentSpace, directions

C, TIME = 5, 200
BRAIN = Modality("brain", "timeseries", (C, TIME), rate=128.0)


def windows(n: int = 30, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(n, C, C, generator=generator) * 0.3 + torch.eye(C)
    return mixing @ torch.randn(n, C, TIME, generator=generator)


def adapted(x: Tensor, **params: str) -> TangentSpace:
    encoder = TangentSpace(BRAIN, **params)  # type: ignore[arg-type]
    encoder.adapt(x)
    return encoder


@pytest.mark.parametrize("shrinkage", ["lwf", "oas"])
def test_equals_pyriemann(shrinkage: str) -> None:
    train, test = windows(), windows(7, seed=1)
    estimate = Covariances(estimator=shrinkage)
    theirs = Theirs(metric="riemann").fit(estimate.transform(train.double().numpy()))
    expected = theirs.transform(estimate.transform(test.double().numpy()))
    tokens = adapted(train, shrinkage=shrinkage)(test)
    assert tokens.shape == (7, 1, C * (C + 1) // 2)
    np.testing.assert_allclose(tokens[:, 0], expected, atol=1e-4)


def test_mean_token_of_the_training_part_is_zero() -> None:
    train = windows()
    tokens = adapted(train)(train)
    assert tokens.mean(dim=0).abs().max() < 1e-4
    assert tokens.std() > 0.1


def test_average_reference_removes_one_direction_only() -> None:
    train, test = windows(), windows(7, seed=1)
    referenced = [x - x.mean(dim=1, keepdim=True) for x in (train, test)]
    encoder = adapted(referenced[0])
    assert directions(encoder.reference.numpy()).shape == (C, C - 1)
    tokens = encoder(referenced[1])
    assert tokens.isfinite().all()
    # The same as in C - 1 coordinates of the space in which the signals lie: distances are kept.
    basis = torch.linalg.qr(torch.eye(C)[:, 1:] - 1 / C)[0]
    small = TangentSpace(Modality("small", "timeseries", (C - 1, TIME), rate=128.0))
    small.adapt(basis.T @ train)
    torch.testing.assert_close(torch.cdist(tokens[:, 0], tokens[:, 0]), torch.cdist(*[small(basis.T @ test)[:, 0]] * 2))


def test_tokens_are_invariant_to_scales_of_channels() -> None:
    train, test = windows(), windows(7, seed=1)
    scale = torch.tensor([1.0, 10.0, 0.1, 3.0, 1.0])[:, None]
    one, other = adapted(train)(test), adapted(1e-6 * train)(1e-6 * test)
    torch.testing.assert_close(one, other, atol=1e-4, rtol=0)
    spread = adapted(scale * train)(scale * test)
    assert spread.isfinite().all()


def test_adapt_replaces_the_earlier_mean() -> None:
    encoder = adapted(windows(seed=3))
    encoder.adapt(windows())
    torch.testing.assert_close(encoder.reference, adapted(windows()).reference)
    assert set(encoder.state_dict()) == {"reference"}
    assert list(encoder.parameters()) == []


def test_tokens_of_zero_windows_are_finite() -> None:
    dead = torch.zeros(3, C, TIME)
    assert adapted(windows())(dead).isfinite().all()
    assert adapted(dead)(windows(2)).isfinite().all()
    one_dead = windows()
    one_dead[:, 2] = 0
    assert adapted(one_dead)(windows(2)).isfinite().all()
