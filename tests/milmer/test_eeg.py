import pytest
import torch

from mmbench import Modality, SpecError, TokenSpec
from mmbench_milmer.eeg import MilmerEEG


def make_encoder(shape=(32, 384), **params):
    torch.manual_seed(0)
    return MilmerEEG(Modality("eeg", "timeseries", shape, rate=128.0), **params)


@pytest.mark.parametrize("shape", [(32, 384), (19, 640), (1, 128)])
def test_one_token_per_channel(shape):
    encoder = make_encoder(shape, dim=24)
    tokens = encoder(torch.randn(3, *shape))
    assert encoder.out == TokenSpec(length=shape[0], dim=24)
    assert tokens.shape == (3, shape[0], 24)


def test_published_width_is_the_default():
    assert make_encoder().out.dim == 768


def test_channel_embedding_distinguishes_equal_channels():
    x = torch.randn(1, 1, 64).expand(2, 4, 64)
    with_embedding, without = make_encoder((4, 64)), make_encoder((4, 64), channel_embedding=False)
    assert not torch.allclose(with_embedding(x)[:, 0], with_embedding(x)[:, 1])
    assert torch.equal(without(x)[:, 0], without(x)[:, 1])


def test_every_parameter_gets_a_gradient():
    encoder = make_encoder((4, 64), dim=8)
    encoder(torch.randn(5, 4, 64)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in encoder.parameters())


def test_width_below_one_is_refused():
    with pytest.raises(SpecError, match="dim=0"):
        make_encoder((4, 64), dim=0)
