"""Time series of unequal length: each instance is encoded as if it were alone and unpadded."""

import numpy as np
import pytest
import torch
from torch import Tensor

from mmbench import Encoder, Modality, SpecError
from mmbench.builtin.encoders.conv1d import Conv1d
from mmbench.builtin.encoders.curves import Curves
from mmbench.builtin.encoders.de import DifferentialEntropy
from mmbench.builtin.encoders.recurrent import Gru
from mmbench.builtin.encoders.spectrum import Spectrum

RATE = 128.0
OPEN = Modality("course", "timeseries", (2, None), rate=RATE)
LENGTHS = torch.tensor([90, 41, 7, 1])


def padded(seed: int = 0) -> Tensor:
    x = torch.randn(len(LENGTHS), 2, 90, generator=torch.Generator().manual_seed(seed))
    return x * (torch.arange(90) < LENGTHS[:, None])[:, None]


def fixed(encoder: type[Encoder], length: int, **params: object) -> Encoder:
    torch.manual_seed(0)
    return encoder(Modality("course", "timeseries", (2, length), rate=RATE), **params).eval()


@pytest.mark.parametrize(("cls", "params"), [(Curves, {}), (DifferentialEntropy, {}), (Gru, {})])
def test_an_open_instance_has_the_tokens_of_a_window_of_its_length(cls: type[Encoder], params: dict) -> None:
    torch.manual_seed(0)
    encoder = cls(OPEN, **params).eval()
    x = padded()
    tokens = encoder(x, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        expected = fixed(cls, length, **params)(x[row : row + 1, :, :length])
        torch.testing.assert_close(tokens[row : row + 1], expected, rtol=1e-4, atol=1e-5)


def test_masked_convolutions_are_those_of_the_window_alone() -> None:
    torch.manual_seed(0)
    encoder = Conv1d(OPEN, depth=2).eval()
    window = fixed(Conv1d, 90, depth=2)
    window.load_state_dict(encoder.state_dict())
    x = padded()
    tokens, mask = encoder(x, LENGTHS)
    torch.testing.assert_close(tokens[:1], window(x[:1]), rtol=1e-4, atol=1e-5)
    assert mask.sum(dim=1).tolist() == [6, 3, 1, 1]  # 90 -> 23 -> 12 -> 6


def test_curves_are_interpolated_over_the_own_length() -> None:
    encoder = Curves(Modality("x", "timeseries", (1, None)), points=3)
    x = torch.tensor([[[0.0, 1.0, 4.0, 9.0, 0.0, 0.0]], [[2.0, 0.0, 0.0, 0.0, 0.0, 0.0]]])
    tokens = encoder(x, torch.tensor([4, 1]))
    expected = [*np.interp([0, 1.5, 3], range(4), [0, 1, 4, 9]), 3.5, np.std([0, 1, 4, 9])]
    assert tokens[0, 0].tolist() == pytest.approx(expected)
    assert tokens[1, 0].tolist() == [2, 2, 2, 2, 0]


def test_powers_of_open_series_do_not_grow_with_the_length() -> None:
    encoder = Spectrum(OPEN, octaves=4)
    times = torch.arange(4096) / RATE
    wave = (2 * torch.pi * 20 * times).sin().expand(2, 2, -1).clone()
    wave[1, :, 512:] = 0
    long, short = encoder(wave, torch.tensor([4096, 512]))[:, 0]
    loudest = 1 + int(short[1:5].argmax())
    assert loudest == 3  # 16-32 Hz, the third of four octaves below 64 Hz
    assert long[loudest].exp() == pytest.approx(float(short[loudest].exp()), rel=0.05)
    assert float(short[loudest].exp()) == pytest.approx(0.25, rel=0.05)  # half of the power, on one side of 0 Hz


def test_bands_without_a_rate_name_another_encoder() -> None:
    with pytest.raises(SpecError, match=r"has no sampling rate — choose another encoder than de: --encoder x=spectrum"):
        DifferentialEntropy(Modality("x", "timeseries", (2, None)))


def test_gru_tokens_stop_at_the_length() -> None:
    tokens, mask = Gru(OPEN, pool="none").eval()(padded(), LENGTHS)
    assert mask.sum(dim=1).tolist() == LENGTHS.tolist()
    assert not tokens[~mask].any()
