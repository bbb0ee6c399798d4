"""Windows come to another rate as scipy brings them."""

import numpy as np
import pytest
import torch
from scipy.signal import resample_poly

from mmbench_neuro.resampling import Resample


@pytest.mark.parametrize(
    ("before", "after", "up", "down"),
    [(128, 250, 125, 64), (500, 250, 1, 2), (512, 128, 1, 4), (64, 250, 125, 32), (700, 250, 5, 14), (4, 128, 32, 1)],
)
@pytest.mark.parametrize("n_times", [1, 37, 384])
def test_equals_resample_poly_of_scipy(before: float, after: float, up: int, down: int, n_times: int) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, n_times))
    resample = Resample(before, after)
    expected = resample_poly(x, up, down, axis=2)
    y = resample(torch.from_numpy(x).float())
    assert y.shape[2] == resample.length(n_times) == expected.shape[2]
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_equal_rates_return_the_input() -> None:
    x = torch.randn(2, 3, 50)
    assert torch.equal(Resample(250, 250)(x), x)


def test_sine_is_kept_and_frequencies_above_nyquist_are_removed() -> None:
    def sine(hertz: float, rate: float) -> torch.Tensor:
        return torch.sin(2 * torch.pi * hertz * torch.arange(4 * int(rate)) / rate)[None, None]

    inside = slice(250, 750)
    torch.testing.assert_close(
        Resample(128, 250)(sine(10, 128))[..., inside], sine(10, 250)[..., inside], atol=5e-3, rtol=0
    )
    assert Resample(512, 250)(sine(180, 512))[..., inside].abs().max() < 0.02


def test_has_no_parameters_and_no_saved_buffers() -> None:
    resample = Resample(128, 250)
    assert list(resample.parameters()) == []
    assert resample.state_dict() == {}
