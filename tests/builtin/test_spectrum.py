"""Level and spectrum of a channel, held to signals whose spectrum is known."""

import math

import pytest
import torch

from mmbench import Modality, SpecError, conformance
from mmbench.builtin.encoders.spectrum import POWER_FLOOR, Spectrum, find_edges

SLOW = Modality("eda", "timeseries", (1, 240), rate=4.0)
UNTIMED = Modality("untimed", "timeseries", (3, 5))


@pytest.mark.parametrize(
    "check",
    [*conformance.check_encoder(Spectrum, SLOW), *conformance.check_encoder(Spectrum, UNTIMED, octaves=1)],
    ids=str,
)
def test_conformance(check: conformance.Check) -> None:
    check()


@pytest.mark.parametrize(
    ("highest", "octaves", "edges"),
    [(192, 6, [1, 7, 13, 25, 49, 97, 193]), (192, 1, [1, 193]), (3, 6, [1, 2, 4]), (1, 6, [1, 2]), (0, 6, [1])],
)
def test_octaves_take_every_frequency_once(highest: int, octaves: int, edges: list[int]) -> None:
    assert find_edges(highest, octaves) == edges


def test_a_sine_is_in_its_octave() -> None:
    time = torch.arange(240)
    for octave, cycles in enumerate((2, 6, 12, 22, 45, 100), start=1):
        x = 5 + torch.sin(2 * math.pi * cycles * time / 240)
        tokens = Spectrum(SLOW)(x[None, None])[0, 0]
        assert tokens[0].item() == pytest.approx(5, abs=1e-3)
        assert tokens[1:].argmax().item() + 1 == octave


def test_powers_grow_with_the_square_of_the_amplitude() -> None:
    x = torch.randn(2, 3, 128, generator=torch.Generator().manual_seed(0))
    modality = Modality("x", "timeseries", (3, 128))
    one, ten = (Spectrum(modality)(scale * x).reshape(2, 3, -1) for scale in (1, 10))
    torch.testing.assert_close(ten[..., 1:] - one[..., 1:], torch.full((2, 3, 6), 2 * math.log(10)))
    torch.testing.assert_close(ten[..., 0], 10 * one[..., 0])


def test_a_channel_that_does_not_move_has_a_finite_floor() -> None:
    tokens = Spectrum(SLOW)(torch.full((1, 1, 240), 3.0))[0, 0]
    assert tokens[0].item() == pytest.approx(3.0)
    assert tokens[1:].tolist() == pytest.approx([math.log(POWER_FLOOR)] * 6)


def test_no_octave_is_refused() -> None:
    with pytest.raises(SpecError, match="octaves"):
        Spectrum(SLOW, octaves=0)
