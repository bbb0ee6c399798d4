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


def waves(frequency, n=40, seed=0):
    """Windows (n, 2, 256) at 128 Hz: noise, and in the second channel a sine of random phase in half of them."""
    random = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 2, 256, generator=random)
    phase = 2 * torch.pi * torch.rand(n, 1, generator=random)
    x[::2, 1] += torch.sin(2 * torch.pi * frequency / 128 * torch.arange(256) + phase)[::2]
    return x


def test_spectral_variant_finds_power_of_random_phase():
    encoder = make_encoder((2, 256), dim=8, variant="spectral", bands=6)
    x = waves(10.0)
    encoder.adapt(x)
    powers = encoder.spectrum(x)
    torch.testing.assert_close(powers.mean(0), torch.zeros(2, 6), atol=1e-5, rtol=0)
    torch.testing.assert_close(powers.std(0, correction=0), torch.ones(2, 6), atol=1e-4, rtol=0)
    gap = powers[::2].mean(0) - powers[1::2].mean(0)
    hertz = encoder.spectrum.centres.exp() * 128 / 256
    assert gap[1].argmax() == (hertz.log() - torch.tensor(10.0).log()).abs().argmin()
    assert gap[1].max() > 1.5
    assert gap[0].abs().max() < 0.7


def test_spectral_bands_are_learned():
    encoder = make_encoder((4, 64), dim=8, variant="spectral", bands=4)
    encoder(torch.randn(5, 4, 64)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in encoder.parameters())
    assert encoder(torch.zeros(1, 4, 64)).isfinite().all()


def test_statistics_of_the_published_variant_stay_empty():
    encoder = make_encoder((4, 64), dim=8)
    before = [value.clone() for value in encoder.state_dict().values()]
    encoder.adapt(torch.randn(5, 4, 64))
    assert all(torch.equal(*pair) for pair in zip(before, encoder.state_dict().values(), strict=True))


@pytest.mark.parametrize(("bands", "length"), [(0, 64), (17, 64), (8, 3)])
def test_bands_that_do_not_fit_are_refused(bands, length):
    with pytest.raises(SpecError, match=f"bands={bands} does not fit windows of {length} samples"):
        make_encoder((4, length), variant="spectral", bands=bands)


def test_bands_without_the_spectral_variant_are_refused():
    with pytest.raises(SpecError, match=r"bands=4 has no effect — set variant=spectral"):
        make_encoder((4, 64), dim=8, bands=4)
    assert make_encoder((4, 64), dim=8, variant="spectral").spectrum.centres.shape == (8,)
